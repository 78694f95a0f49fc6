"""How runs, episodes, epochs, decisions and updates are read from esper-lite's events: what holds which field."""

from math import isfinite
from typing import Any

from nissa.events.kinds import (
    CounterfactualMeasured,
    DecisionMade,
    EpisodeEnded,
    EpochCompleted,
    PhaseTimed,
    PolicyUpdated,
    RunStarted,
)
from nissa.pipeline.sources.esper import parts
from nissa.pipeline.sources.esper.fields import Line, MisfitError, name, number, whole
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.rules import Translation, data, fixed, known

__all__ = ["ACTION", "EPOCH", "MATRIX", "OUTCOME", "PHASES", "RUN", "UPDATE"]


def _not_factorial(line: Line) -> str | None:
    """Carried whole unless its strategy is `full_factorial`."""
    told_so = line.data.get("strategy") == "full_factorial"
    return None if told_so else "strategy: not full_factorial, so what is all off may be made up"


def _skipped(line: Line) -> str | None:
    """Carried whole if it was skipped and all its numbers are finite."""
    skipped = line.data.get("skipped") is True or line.data.get("update_skipped") is True
    if not skipped or not all(_is_finite(line.data.get(field)) for field in UPDATE.used):
        return None
    return "skipped: no update took place, so its numbers are none"


def _is_finite(value: Any) -> bool:
    """Whether a value is finite, or no number at all."""
    try:
        return isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return True


def _return_std(line: Line, field: str, value: Any) -> float:
    """It is 0 too where nobody measured it; that it was is believed where they say that it was low."""
    told = number(line, field, value)
    if told == 0 and line.data.get("ev_low_return_variance") is not True:
        raise MisfitError(f"{field}: 0 is their default, and no low variance is told")
    return told


def _growth_ratio(line: Line, host: Host) -> float | None:
    """None where the events of some fossilized seeds are missing."""
    kept, seen = line.data.get("fossilize_count"), len(host.fossilized)
    if kept not in (None, seen, str(seen)):
        raise MisfitError("fossilize_count: not the number of SEED_FOSSILIZED, so no growth")
    return host.growth_ratio()


RUN = Translation(
    RunStarted,
    {
        "base_seed": data("seed", whole),
        "rng_digests": fixed(dict, "(not told)"),
        "versions": fixed(dict, "(not told)"),
        "hardware": known(
            "`policy_device`, `env_devices`",
            lambda line, _: {key: str(line.data[key]) for key in ("policy_device", "env_devices") if key in line.data},
        ),
        "hyperparameters": known("the whole payload", lambda line, _: dict(line.data)),
        "task_type": data("task", name),
        "n_envs": data("n_envs", whole),
        "n_episodes": data("max_batches", whole),
        "max_epochs": data("max_epochs", whole),
        "host_params": data("host_params", whole),
        "slot_config": known("`slot_ids`, without widths", parts.slot_config),
    },
)
EPOCH = Translation(
    EpochCompleted,
    {
        "train_loss": data("train_loss", number),
        "train_accuracy": data("train_accuracy", number),
        "val_loss": data("val_loss", number),
        "val_accuracy": data("val_accuracy", number),
        "host_params": known("`host_params` of TRAINING_STARTED", lambda _, host: host.host_params),
        "total_seed_params": known("sizes at germination of the seeds in `seeds`", parts.seed_params),
        "total_params": known("host_params + total_seed_params", parts.total_params),
        "fossilized_params": known("the same of the fossilized ones", parts.fossilized_params),
        "host_grad_norm": data("host_grad_norm", number),
        "seed_grad_norms": fixed(dict, "(not told)"),
        "slots": known("`seeds`", parts.snapshots),
    },
)
MATRIX = Translation(
    CounterfactualMeasured,
    {
        "slots": known("`slot_ids`", lambda line, host: list(parts.slot_config(line, host))),
        "results": known("`configs`, as they are", parts.results),
    },
    unless=_not_factorial,
)
OUTCOME = Translation(
    EpisodeEnded,
    {
        "outcome": data("outcome_type", name),
        "final_accuracy": data("final_accuracy", number),
        "final_loss": known("`val_loss` of the last EPOCH_COMPLETED", lambda _, host: host.val_loss),
        "total_reward": data("episode_reward", number),
        "epochs": data("episode_length", whole),
        "growth_ratio": known(
            "host and `params_added` of its SEED_FOSSILIZED, if those are `fossilize_count`", _growth_ratio
        ),
        "germinated": data("germinate_count", whole),
        "fossilized": data("fossilize_count", whole),
        "culled": data("prune_count", whole),
    },
)
UPDATE = Translation(
    PolicyUpdated,
    {
        "update": known("`batch` - 1", lambda line, _: whole(line, "batch", line.data.get("batch")) - 1),
        "decisions": data("usable_actor_timesteps", whole),
        "policy_loss": data("policy_loss", number),
        "value_loss": data("value_loss", number),
        "approx_kl": data("kl_divergence", number),
        "clip_fraction": data("clip_fraction", number),
        "explained_variance": data("explained_variance", number),
        "ratio_max": data("ratio_max", number),
        "heads": fixed(dict, "(no numbers of valid choices)"),
        "value_mean": data("value_mean", number),
        "value_std": data("value_std", number),
        "return_mean": data("return_mean", number),
        "return_std": data("return_std", _return_std),
        "grad_norm": data("pre_clip_grad_norm", number),
        "learning_rate": data("lr", number),
        "early_stopped": known(
            "`early_stop_epoch` is set", lambda line, _: line.data.get("early_stop_epoch") is not None
        ),
    },
    unless=_skipped,
)
ACTION = Translation(
    DecisionMade,
    {
        "action": known("`action_name`, `slot_id`, `blueprint_id`, `blend_id`", parts.action),
        "heads": fixed(dict, "(no masks)"),
        "value": data("value_estimate", number),
        "reward": data("total_reward", number),
        "accuracy_delta": known("from the last two EPOCH_COMPLETED", parts.accuracy_delta),
    },
)
PHASES = Translation(PhaseTimed, {"durations": known("`phases.*.wall_ms` / 1000", parts.durations)})
