"""Is growing winning? Finished episodes beside the hosts trained alone, each accuracy with its network's growth."""

from typing import Any

from nissa.grafana.boards.baselines import arms, baselines, hosts
from nissa.grafana.panels import SHOWN, Column, leading, lines, rows
from nissa.grafana.promql import Query, of, spread

__all__ = ["compared", "verdict"]

_GROUP = "{{group}} {{run}}"


def verdict() -> list[Any]:
    """The table with the answer, and the host alone beside it."""
    return [leading("nissa-blueprints", _table()), _beside(), _ends()]


def compared() -> list[Any]:
    """What else it may be compared with, and by size."""
    return [baselines(), _growth(), _efficiency(), hosts(), arms()]


def _table() -> Any:
    """Sixteen columns find room."""
    text = (
        "One row a group, over all its finished episodes in all environments, whichever are chosen. Trained: the "
        "network with all its seeds in. Kept: what remains of it. Gains are minus the host trained alone at the same "
        "epoch, peak against peak; low to high is the 95% interval of the kept gain over environments. Efficiency: "
        "accuracy by parameter, by that of the host alone; below 1, size lost. Compared episodes: those with a kept "
        "accuracy and a host trained alone for as long."
    )
    ratios = {
        "kept gain": "kept_training_delta_mean",
        "low": "kept_training_delta_low",
        "high": "kept_training_delta_high",
        "trained gain": "final_training_delta_mean",
        "peak gain": "peak_training_delta_mean",
        "kept": "kept_accuracy_mean",
        "trained": "final_accuracy_mean",
        "host alone": "twin_accuracy_mean",
    }
    factors = {
        "kept growth": "kept_growth_mean",
        "kept efficiency": "kept_efficiency_mean",
        "trained growth": "final_growth_mean",
    }
    counts = {"episodes": "episodes", "compared episodes": "compared_episodes", "unended": "unended_episodes"}
    counts |= {"environ- ments": "environments"}
    return rows(
        "Is growing winning?",
        text,
        ("run", "group"),
        Column("growing is", of("nissa_verdict"), "none", names=SHOWN),
        *(Column(head, of(f"nissa_verdict_{name}_ratio"), "percentunit") for head, name in ratios.items()),
        *(Column(head, of(f"nissa_verdict_{name}_ratio"), "suffix:x") for head, name in factors.items()),
        *(Column(head, of(f"nissa_verdict_{name}"), "short") for head, name in counts.items()),
        size=(24, 6),
        none="no episode has ended",
    )


def _beside() -> Any:
    text = (
        "Mean over environments of the validation accuracy after the last epoch, and of the same host trained alone "
        "at the same epoch, where it was told epoch by epoch."
    )
    trained, alone = of("nissa_val_accuracy_ratio"), of("nissa_baseline_epoch_accuracy_ratio")
    return lines("Beside the host alone", text, "percentunit", *_means({"trained": trained, "host-only": alone}))


def _ends() -> Any:
    text = (
        "Mean over environments of the last finished episode: the network as trained, what is kept of it, and the same "
        "host trained alone, at the same epoch."
    )
    parts = {"trained": "final_accuracy", "kept": "kept_accuracy", "host-only": "twin_accuracy"}
    told = {name: of(f"nissa_episode_{part}_ratio") for name, part in parts.items()}
    return lines("Trained, kept, and the host alone", text, "percentunit", *_means(told))


def _growth() -> Any:
    text = (
        "Mean over environments of the last finished episode: parameters by those of the host, of the network as "
        "trained and of what is kept."
    )
    told = {name: of(f"nissa_episode_{key}_growth_ratio") for name, key in (("trained", "final"), ("kept", "kept"))}
    return lines("Growth of finished episodes", text, "suffix:x", *_means(told))


def _means(told: dict[str, str]) -> list[Query]:
    return [Query(f"avg by (run, group) ({metric})", f"{name} {_GROUP}") for name, metric in told.items()]


def _efficiency() -> Any:
    text = "Peak accuracy by the growth at that peak, of each environment's best episode, in percent per growth ratio."
    return lines("Efficiency", text, "none", *spread(f"100 * {of('nissa_best_peak_efficiency')}"))
