"""The translation of esper-lite's events as one table, type by type; `docs/esper.md` is made from it."""

from collections.abc import Mapping

from nissa.pipeline.sources.esper.fields import Line, MisfitError, number
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.lifecycle import FOSSILIZED, GATE, GERMINATED, PRUNED, STAGE
from nissa.pipeline.sources.esper.policy import ACTION, UPDATE
from nissa.pipeline.sources.esper.rules import Rule, ahead, around, inner, nowhere, told, trained
from nissa.pipeline.sources.esper.training import EPOCH, MATRIX, OUTCOME, PHASES, RUN

__all__ = ["RULES", "UNKNOWN"]

_INNER, _ROUND, _EPISODE, _NONE = "host epoch", "episodes by the end of the round", "episode", "not set"
_UNSEEN = "not seen yet"


def _repeated(line: Line, _: Host) -> None:
    configs = line.data.get("configs")
    masks = [str(row.get("seed_mask")) for row in configs if isinstance(row, dict)] if isinstance(configs, list) else []
    if len(set(masks)) < len(masks):
        line.odd.append(f"{line.type}.configs: a mask twice")


def _entropy(line: Line, _: Host) -> None:
    """It is no field of ours, but a number all the same."""
    try:
        if isinstance(told := line.data.get("decision_entropy"), str):
            line.data |= {"decision_entropy": number(line, "decision_entropy", told)}
    except MisfitError:
        return


def _ratio(line: Line, host: Host) -> None:
    """A warning stands before its update, and tells the largest ratio where the update itself does not."""
    ratio = line.data.get("ratio_max")
    if isinstance(ratio, float):
        host.ratio = line.data.get("train_steps"), ratio


RULES: Mapping[str, Rule] = {
    "TRAINING_STARTED": Rule(_NONE, nowhere, RUN),
    "EPOCH_COMPLETED": Rule(_INNER, trained, EPOCH),
    "SEED_GERMINATED": Rule(_ROUND, around, GERMINATED),
    "SEED_STAGE_CHANGED": Rule(_ROUND, around, STAGE),
    "SEED_GATE_EVALUATED": Rule(_ROUND, around, GATE),
    "SEED_FOSSILIZED": Rule(_ROUND, around, FOSSILIZED),
    "SEED_PRUNED": Rule(_ROUND, around, PRUNED),
    "SEED_CULLED": Rule(_NONE, around, PRUNED),
    "COUNTERFACTUAL_MATRIX_COMPUTED": Rule(_NONE, ahead, MATRIX, watch=_repeated),
    "EPISODE_OUTCOME": Rule(_EPISODE, around, OUTCOME),
    "PPO_UPDATE_COMPLETED": Rule(_ROUND, nowhere, UPDATE),
    "ANALYTICS_SNAPSHOT last_action": Rule(_INNER, inner, ACTION, watch=_entropy),
    "PHASE_PROFILE_COMPLETED": Rule(_INNER, told, PHASES),
    "ANALYTICS_SNAPSHOT shapley_computed": Rule(_NONE, ahead),
    "ANALYTICS_SNAPSHOT batch_stats": Rule(_ROUND, nowhere),
    "ANALYTICS_SNAPSHOT": Rule(_ROUND, nowhere),
    "ANALYTICS_SNAPSHOT action_distribution": Rule(_ROUND, nowhere),
    "ANALYTICS_SNAPSHOT mask_hit_rates": Rule(_ROUND, nowhere),
    "ANALYTICS_SNAPSHOT throughput": Rule(_ROUND, nowhere),
    "ANALYTICS_SNAPSHOT summary_table": Rule(_UNSEEN, nowhere),
    "ANALYTICS_SNAPSHOT heuristic_config": Rule(_UNSEEN, nowhere),
    "ANALYTICS_SNAPSHOT heuristic_episode": Rule(_UNSEEN, nowhere),
    "ANALYTICS_SNAPSHOT heuristic_warning": Rule(_UNSEEN, nowhere),
    "MORPHOLOGY_CAUSAL_LOG": Rule(_NONE, around),
    "TAMIYO_INITIATED": Rule(_INNER, told),
    "BATCH_EPOCH_COMPLETED": Rule(_ROUND, nowhere),
    "BATCH_COMPLETED": Rule(_NONE, nowhere),
    "COUNTERFACTUAL_COMPUTED": Rule(_NONE, around),
    "REWARD_COMPUTED": Rule(_INNER, trained),
    "PLATEAU_DETECTED": Rule(_UNSEEN, nowhere),
    "DEGRADATION_DETECTED": Rule(_UNSEEN, nowhere),
    "IMPROVEMENT_DETECTED": Rule(_NONE, nowhere),
    "PERFORMANCE_DEGRADATION": Rule(_UNSEEN, nowhere, of_one=False),
    "GRADIENT_ANOMALY": Rule(_ROUND, inner),
    "GRADIENT_PATHOLOGY_DETECTED": Rule(_ROUND, inner),
    "NUMERICAL_INSTABILITY_DETECTED": Rule(_ROUND, inner, watch=_ratio),
    "VALUE_COLLAPSE_DETECTED": Rule(_ROUND, inner, watch=_ratio),
    "RATIO_EXPLOSION_DETECTED": Rule(_ROUND, inner, watch=_ratio),
    "RATIO_COLLAPSE_DETECTED": Rule(_ROUND, inner, watch=_ratio),
    "CHECKPOINT_LOADED": Rule(_NONE, nowhere),
    "CHECKPOINT_SAVED": Rule(_UNSEEN, nowhere),
    "GOVERNOR_ROLLBACK": Rule(_UNSEEN, around),
    "REWARD_HACKING_SUSPECTED": Rule(_UNSEEN, nowhere),
    "TOPOLOGY_MANIFEST_RECORDED": Rule(_UNSEEN, nowhere),
    "ALLOCATOR_STATS": Rule(_UNSEEN, nowhere),
    "MEMORY_WARNING": Rule(_UNSEEN, nowhere),
}
"""By type; a snapshot's kind stands behind its type."""
UNKNOWN = Rule(_UNSEEN, inner)
"""A type that is not in the table: carried whole, and counted as unknown."""
