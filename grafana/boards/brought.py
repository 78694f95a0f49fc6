"""What did blueprints bring? Their effects, apart from the progress that training would have made without them."""

from typing import Any

from nissa.grafana.panels import SHOWN, Column, lines, rows
from nissa.grafana.promql import Query, of, once

__all__ = ["brought", "worth"]

_BY = ("run", "group", "blueprint")
_RESTS_ON = {"seeds": "net_gain", "abl. seeds": "ablation", "drop seeds": "cull_drop"}
"""How many seeds a mean is over, by the head of its column."""


def brought() -> Any:
    """The table of effects, by net gain; fourteen columns find room."""
    text = (
        "One row a blueprint of a group, over all its environments, whichever are chosen, the highest net gain first: "
        "change of the validation accuracy while a seed lived, minus that of the host trained alone over the same "
        "epochs, without what a cull costs. Better or worse is said where the 95% interval, over environments, "
        "excludes 0. Ablation: what switching the seed off costs the trained network. Cull drop: accuracy right before "
        "the cull minus right after. Seeds: how many it rests on. Changes contain what training brought anyway."
    )
    parts = {
        **{head: f"net_gain_{key}" for head, key in (("net gain", "mean"), ("net low", "low"), ("net high", "high"))},
        **{head: f"ablation_{key}" for head, key in (("ablation", "mean"), ("abl. low", "low"), ("abl. high", "high"))},
        "cull drop": "cull_drop_mean",
        "change of fossils": "accuracy_delta_mean",
        "change of culled": "churn_mean",
    }
    ratios = {head: Column(head, of(f"nissa_blueprint_{part}_ratio"), "percentunit") for head, part in parts.items()}
    seeds = {name: Column(head, of(f"nissa_blueprint_{name}_seeds"), "short") for head, name in _RESTS_ON.items()}
    return rows(
        "What blueprints brought",
        text,
        _BY,
        Column("shown", of("nissa_blueprint_net_gain_shown"), "none", names=SHOWN),
        *(ratios[head] for head in ("net gain", "net low", "net high")),
        seeds["net_gain"],
        *(ratios[head] for head in ("ablation", "abl. low", "abl. high")),
        seeds["ablation"],
        ratios["cull drop"],
        seeds["cull_drop"],
        *(ratios[head] for head in ("change of fossils", "change of culled")),
        size=(24, 8),
        first="net gain",
    )


def worth() -> list[Any]:
    """Attribution at the ends of episodes; effects over time, and changes that contain what training brought anyway."""
    return [_attributed(), *_effects(), *_changes()]


def _attributed() -> Any:
    text = (
        "One row a blueprint in a slot: the Shapley value of its seeds in the network that an episode ended with, a "
        "mean over environments with its 95% interval, over all of them, whichever are chosen. It is the seed's share "
        "of what all seeds bring to a network that was trained with them, not of what growing gained."
    )
    parts = {"Shapley": "mean", "low": "mean_low", "high": "mean_high"}
    counts = {"seeds": "shapley_seeds", "environ- ments": "shapley_environments", "parameters": "each_parameters"}
    return rows(
        "Attribution by slot and blueprint",
        text,
        ("run", "group", "slot", "blueprint"),
        *(Column(head, of(f"nissa_seed_shapley_{part}_ratio"), "percentunit") for head, part in parts.items()),
        *(Column(head, of(f"nissa_seed_{name}"), "short") for head, name in counts.items()),
        size=(24, 8),
        first="Shapley",
    )


def _effects() -> list[Any]:
    """What is left once something was taken away."""
    net = (
        "Change of the validation accuracy while a seed lived, minus that of the host trained alone over the same "
        "epochs. Whether it is shown to differ from 0, the table says."
    )
    ablation = "Validation accuracy that switching a seed off costs the trained network at the end of its life."
    drop = "Validation accuracy right before a cull minus right after it, of seeds that were mixed in."
    return [
        _mean("Net gain", net, "percentunit", "nissa_blueprint_net_gain_mean_ratio"),
        _mean("Ablation", ablation, "percentunit", "nissa_blueprint_ablation_mean_ratio"),
        _mean("Cull drop", drop, "percentunit", "nissa_blueprint_cull_drop_mean_ratio"),
        _mean(
            "Lifespan",
            "Mean epochs from germination to fossilization or culling.",
            "none",
            "nissa_blueprint_lifespan_mean_epochs",
        ),
    ]


def _changes() -> list[Any]:
    """Progress, whatever made it."""
    fossils = (
        "Mean change of the validation accuracy from the germination of seeds that fossilized to their end. Most of it "
        "training would have brought anyway."
    )
    culled = (
        "The same of seeds that were culled, which the documents call churn. It says nothing of whether culling was "
        "right: the cull drop does. Seeds that the end of an episode cut off are in it."
    )
    return [
        _mean(
            "Accuracy change while fossils lived", fossils, "percentunit", "nissa_blueprint_accuracy_delta_mean_ratio"
        ),
        _mean("Accuracy change while culled seeds lived", culled, "percentunit", "nissa_blueprint_churn_mean_ratio"),
    ]


def _mean(title: str, text: str, unit: str, metric: str) -> Any:
    everywhere = "Over all environments, whichever are chosen."
    return lines(
        title, f"{text} {everywhere}", unit, Query(once(of(metric), ", ".join(_BY)), "{{blueprint}} {{group}} {{run}}")
    )
