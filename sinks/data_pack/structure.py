"""The parts of `pack.json`, each declared once: its JSON Schema and the columns of the Parquet files follow from here.

What is None is left out; NaN and infinities are the strings "NaN", "Infinity", "-Infinity".
"""

from dataclasses import field
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from nissa.events.event import Env
from nissa.events.kind import part
from nissa.events.kinds import Action, DecisionExplained, DecisionJudged, HeadDecision
from nissa.events.units import Count, Loss, Percent, Points, Ratio, Real, Reward

__all__ = [
    "FORMAT",
    "Carried",
    "Decision",
    "Episode",
    "EpochRow",
    "Feature",
    "KeyMoment",
    "Observation",
    "Outcome",
    "PackHead",
    "QuickStats",
    "Summary",
    "json_schema",
]

FORMAT = 1
"""Version of the format: one more where an old reader would misread a pack."""


@part
class Feature:
    """What a number of `observation.features` is."""

    unit: str
    """Unit."""
    source: str
    """Kind of the event that it is read from, and the path in it."""
    meaning: str
    """What it says, in a few words."""


@part
class QuickStats:
    """What is in the pack."""

    runs: list[str]
    """Names of the runs."""
    episodes: Count
    """Episodes."""
    decisions: Count
    """Decisions."""
    action_distribution: dict[str, Count]
    """Decisions by operation."""
    judged: dict[str, Count]
    """Decisions by `hindsight.verdict`."""
    accuracy_range: list[Percent] | None = None
    """Lowest and highest finite `outcome.final_accuracy`; None where none was measured."""
    seeds_germinated: Count
    """Seeds germinated."""
    seeds_fossilized: Count
    """Seeds that were kept."""
    seeds_culled: Count
    """Seeds that were removed, those among them that the end of an episode cut off."""
    seed_success_rate: Ratio | None = None
    """seeds_fossilized / (seeds_fossilized + seeds_culled); None where no seed ended."""


@part
class PackHead:
    """What stands in `pack.json` before the episodes."""

    format: Count
    """Version of the format."""
    pack_id: str
    """Follows from all that is in the pack: packs of the same runs have the same one."""
    created_at: str
    """Time of the newest event in it, ISO 8601, UTC."""
    telemetry_config: dict[str, Any] | None = None
    """What was measured: the whole configuration of the probes; None where no run has told one."""
    feature_schema: dict[str, list[str] | dict[str, Count]]
    """Names of the features by group, and under "_index" the place of each in `observation.features`."""
    features: dict[str, Feature]
    """Unit, source and meaning of each feature by name."""
    quick_stats: QuickStats
    """What is in the pack."""


@part
class Observation:
    """What was known before a decision."""

    features: list[Real | None]
    """The features after the epoch before, in the order of `feature_schema._index`; null = not measured then."""
    policy_vector: list[Real] | None = None
    """What the policy was fed itself; None if not told."""


@part
class Carried:
    """What was decided, and whether it was carried out."""

    op: str
    """"WAIT", "GERMINATE", "CULL" or "FOSSILIZE"."""
    slot: str | None = None
    """Slot acted upon."""
    blueprint: str | None = None
    """Blueprint germinated."""
    blend: str | None = None
    """Curve of the blending."""
    executed: bool | None = None
    """Whether it was carried out; None if not told."""
    refused_by: str | None = None
    """What refused it, such as a gate ("G0")."""
    masked: bool | None = None
    """Whether masks left no choice; None if not told."""
    heuristic: Action | None = None
    """What the heuristic would have done; None where it was not asked."""
    value: Reward | None = None
    """The critic's estimate; None where there is no critic."""
    heads: dict[str, HeadDecision] = field(default_factory=dict)
    """By head, as the policy drew it; empty where that is not told."""


@part
class Decision:
    """A decision before an epoch, all that was known before it, and what came of it."""

    epoch: Count | None = None
    """Epoch before which it was decided, from 1."""
    observation: Observation
    """What was known before."""
    action: Carried
    """What was decided."""
    decision_context: DecisionExplained | None = None
    """What spoke for it and against the others."""
    hindsight: DecisionJudged | None = None
    """What came of it; None where the run broke off before that was known."""
    reward: Reward | None = None
    """What the epoch earned."""
    reward_components: dict[str, Reward] | None = None
    """The parts of `reward`; None if not told."""
    accuracy_delta: Points | None = None
    """Change of the validation accuracy over the epoch."""
    advantage: Reward | None = None
    """Advantage (GAE, before normalization); None where no update learned from it."""
    returns: Reward | None = None
    """Target of the critic; None where no update learned from it."""


@part
class KeyMoment:
    """A turn in an episode."""

    epoch: Count | None = None
    """When."""
    event: str
    """"improvement", "plateau", "degradation", "germinate", "blend", "fossilize", "cull" or "alert"."""
    slot: str | None = None
    """Slot of the host."""
    blueprint: str | None = None
    """Blueprint of the seed."""
    initiator: str | None = None
    """Of a cull, who wanted it: "policy", "heuristic", "gate" or "episode_end"."""
    improvement: Points | None = None
    """Of a seed's end: validation accuracy now minus at germination, whatever made it."""
    ablation: Points | None = None
    """Of a seed's end: what switching it off costs the network."""
    alert: str | None = None
    """Name of an alert."""
    severity: str | None = None
    """"warning" or "critical", of an alert."""
    what: str | None = None
    """One line for a person, of an alert."""


@part
class Summary:
    """An episode in a few words."""

    trajectory: str
    """Its turns in order, repeats told once: "plateau -> germinate -> blend -> fossilize"."""
    key_moments: list[KeyMoment]
    """Its turns, and alerts of severity warning and critical."""
    outcome: str
    """One line: how it ended, and against its twin."""


@part
class EpochRow:
    """An epoch of an episode; None is not measured."""

    epoch: Count | None = None
    """Epoch, from 1."""
    train_loss: Loss | None = None
    """Mean training loss."""
    train_accuracy: Percent | None = None
    """Training accuracy."""
    val_loss: Loss | None = None
    """Validation loss."""
    val_accuracy: Percent | None = None
    """Validation accuracy."""
    twin_val_accuracy: Percent | None = None
    """Validation accuracy of the host-only twin after as many epochs."""


@part
class Outcome:
    """What came of an episode: of the network as trained (`final_*`), and as kept without what did not fossilize."""

    ended: str | None = None
    """"completed" or the reason why it stopped early; None of one that never ended."""
    epochs: Count | None = None
    """Epochs that were trained."""
    final_accuracy: Percent | None = None
    """Validation accuracy of the network as trained."""
    final_growth_ratio: Ratio | None = None
    """(host + all seeds) / host."""
    kept_accuracy: Percent | None = None
    """Validation accuracy of the network that is kept."""
    kept_growth_ratio: Ratio | None = None
    """(host + fossilized seeds) / host."""
    peak_accuracy: Percent | None = None
    """Highest validation accuracy of its epochs."""
    twin_final_accuracy: Percent | None = None
    """Validation accuracy of the host-only twin after as many epochs."""
    twin_peak_accuracy: Percent | None = None
    """Highest of the twin up to there."""
    total_reward: Reward | None = None
    """Sum of the rewards."""
    n_val: Count | None = None
    """Samples of the validation set."""
    against_twin: str | None = None
    """"better" or "worse" where the 95% interval of the kept accuracy minus the twin's excludes 0, else "undecided";
    None where one of them, or `n_val`, is not known. One episode says little: it takes hundreds of samples to see a few
    points."""


@part
class Episode:
    """An episode of an environment, with its decisions."""

    episode_id: str
    """Its name in this pack: "episode_0042"."""
    run: str
    """Run."""
    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment: a whole number or a name."""
    episode: Count | None = None
    """Episode of the environment, from 0."""
    policy: str | None = None
    """Who decided: "ppo", "heuristic", "never" or a name of the trainer's own."""
    torch_seed: str | None = None
    """Seed of the host's initialization, as text, for it may have 64 bits. Environments with the same one train the
    same host."""
    data_seed: str | None = None
    """Seed of the order of the training batches, likewise."""
    summary: Summary
    """In a few words."""
    trajectory: list[EpochRow]
    """Epoch by epoch."""
    outcome: Outcome
    """What came of it."""
    decisions: list[Decision]
    """In their order."""


@cache
def json_schema() -> dict[str, Any]:
    """The JSON Schema of `pack.json`: the head, and `episodes` as its last member."""
    head = TypeAdapter(PackHead).json_schema()
    episode = TypeAdapter(Episode).json_schema()
    definitions = head.pop("$defs", {}) | episode.pop("$defs", {})
    head["properties"]["episodes"] = {"type": "array", "items": {"$ref": "#/$defs/Episode"}}
    head["required"] = [*head["required"], "episodes"]
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", **head, "title": "Data pack"}
    return {**told, "$defs": dict(sorted({**definitions, "Episode": episode}.items()))}
