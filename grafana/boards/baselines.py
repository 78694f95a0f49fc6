"""What is growing measured against? The same host alone, hosts of other widths, the seeds switched off, another arm."""

from typing import Any

from nissa.grafana.panels import Column, rows
from nissa.grafana.promql import of

__all__ = ["arms", "baselines", "hosts"]


def baselines() -> Any:
    """Both deltas, with their intervals, and sizes."""
    text = (
        "One row a group. Training delta: the network as trained minus the same host trained alone, which is what "
        "growing brought. Ablation delta: the same network minus itself with its seeds switched off, which is how far "
        "it came to rely on them. Low to high is the 95% interval over environments. Equivalent: parameters of a host "
        "that never grows and is as accurate; empty where no such host was trained."
    )
    ratios = {
        "training delta": "nissa_verdict_final_training_delta_mean_ratio",
        "ablation delta": "nissa_analytics_ablation_delta_mean_ratio",
        "low": "nissa_analytics_ablation_delta_low_ratio",
        "high": "nissa_analytics_ablation_delta_high_ratio",
    }
    sizes = {
        "kept parameters": "kept_parameters",
        "kept equivalent": "kept_equivalent_parameters",
        "trained parameters": "final_parameters",
        "trained equivalent": "final_equivalent_parameters",
    }
    return rows(
        "Two baselines, and size",
        text,
        ("run", "group"),
        *(Column(head, of(metric), "percentunit") for head, metric in ratios.items()),
        *(Column(head, of(f"nissa_analytics_{name}"), "short") for head, name in sizes.items()),
        size=(24, 6),
    )


def hosts() -> Any:
    """The curve that equivalents are read off."""
    text = (
        "Hosts that never grow, beside an environment's own: width is their channels by the host's. Each was trained "
        "alone from the same seed, in the same order of the data."
    )
    columns = (
        Column("parameters", of("nissa_host_alone_parameters"), "short"),
        Column("accuracy", of("nissa_host_alone_accuracy_ratio"), "percentunit"),
        Column("loss", of("nissa_host_alone_loss"), "none"),
    )
    by = ("run", "group", "env", "width")
    return rows("Hosts of other widths", text, by, *columns, size=(12, 8), none="none was trained")


def arms() -> Any:
    """A/B, side by side."""
    text = (
        "One row for each two groups of a run: the kept accuracy over that of the own twins, minus the other group's. "
        "Low to high is the 95% interval, a bootstrap over environments; with three each, it holds in 88 of 100 cases."
    )
    ratios = {"gain": "mean", "low": "low", "high": "high"}
    columns = (Column(head, of(f"nissa_arm_gain_{part}_ratio"), "percentunit") for head, part in ratios.items())
    return rows(
        "Arms",
        text,
        ("run", "group", "other"),
        *columns,
        Column("environ- ments", of("nissa_arm_environments"), "short"),
        size=(12, 8),
        none="the run has one group",
    )
