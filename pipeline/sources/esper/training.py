"""How runs, episodes and epochs are read from esper-lite's events, of whatever age: what holds which field."""

from nissa.events.kinds import (
    CounterfactualMeasured,
    EpisodeEnded,
    EpochCompleted,
    PhaseTimed,
    RunStarted,
)
from nissa.pipeline.sources.esper import parts
from nissa.pipeline.sources.esper.fields import Line, MisfitError, name, number, texts, whole
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.rules import Translation, data, fixed, known

__all__ = ["EPOCH", "MATRIX", "OUTCOME", "PHASES", "RUN"]


_AVERAGE = "n_envs: the average of a round, and no epoch of an environment"
_NOT_FACTORIAL = "strategy: not full_factorial, so what is all off may be made up"
_ESTIMATED = "configs: those of one seed alone are estimates until January 2026"
_TWICE = "configs: one mask with two accuracies"


def _averaged(line: Line) -> str | None:
    """Carried whole if it is the average of a round (December 2025)."""
    of_round = line.data.get("n_envs") is not None or line.data.get("env_id") is None
    return _AVERAGE if of_round else None


def _not_measured(line: Line) -> str | None:
    """Carried whole unless its strategy is `full_factorial` and its rows were measured."""
    if line.data.get("strategy") != "full_factorial":
        return _NOT_FACTORIAL
    accuracies: dict[str, set[str]] = {}
    for row in line.data.get("configs") or ():
        if isinstance(row, dict):
            accuracies.setdefault(str(row.get("seed_mask")), set()).add(str(row.get("accuracy")))
    if any(len(found) > 1 for found in accuracies.values()):
        return _TWICE
    # Those of their dashboard take no time, and tell no episode until a week after its estimates became measurements.
    estimated = line.data.get("compute_time_ms") == 0 and line.data.get("episode_idx") is None
    return _ESTIMATED if estimated else None


def _n_episodes(line: Line, _: Host) -> int | None:
    """Theirs are of all environments; `max_batches` was the same once, and is something else in a heuristic run."""
    told = {field: line.data.get(field) for field in ("n_episodes", "n_envs")}
    if None in told.values():
        return None
    episodes, envs = (whole(line, field, value) for field, value in told.items())
    return episodes // envs if envs and episodes % envs == 0 else None


def _outcome(line: Line, host: Host) -> str | None:
    """Before January 2026 it is not told: completed is what was trained to its last epoch."""
    if line.data.get("outcome_type") is not None:
        told: str = line.read("outcome_type", name)
        return told
    whole_length = host.run and host.run.max_epochs and host.run.max_epochs == host.epoch
    return "completed" if whole_length else None


def _epochs(line: Line, host: Host) -> int | None:
    told: int | None = line.read("episode_length", whole)
    return host.epoch if told is None else told


def _growth_ratio(line: Line, host: Host) -> float | None:
    """None where the events of some fossilized seeds are missing."""
    kept, seen = line.data.get("fossilize_count", line.data.get("num_fossilized")), len(host.fossilized)
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
        "n_episodes": known("`n_episodes` / `n_envs`", _n_episodes),
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
    unless=_averaged,
)
MATRIX = Translation(
    CounterfactualMeasured,
    {
        "slots": data("slot_ids", texts),
        "results": known("`configs`, as they are", parts.results),
    },
    unless=_not_measured,
)
OUTCOME = Translation(
    EpisodeEnded,
    {
        "outcome": known("`outcome_type`, else completed if its last epoch was", _outcome, "outcome_type"),
        "final_accuracy": data("final_accuracy", number),
        "final_loss": known("`val_loss` of the last EPOCH_COMPLETED", lambda _, host: host.val_loss),
        "total_reward": data("episode_reward", number),
        "epochs": known("`episode_length`, else the last of its epochs", _epochs, "episode_length"),
        "growth_ratio": known(
            "host and `params_added` of its SEED_FOSSILIZED, if those are `fossilize_count`", _growth_ratio
        ),
        "germinated": data("germinate_count", whole),
        "fossilized": data("fossilize_count", whole, "num_fossilized"),
        "culled": data("prune_count", whole),
    },
)
PHASES = Translation(PhaseTimed, {"durations": known("`phases.*.wall_ms` / 1000", parts.durations)})
