"""What is each seed worth to its network? Shapley values with their intervals, and what two seeds do together."""

from typing import Any

from nissa.grafana.panels import Column, lines, rows
from nissa.grafana.promql import Query, median, of

__all__ = ["attributed"]

_BY = ("run", "group", "env", "slot")


def attributed() -> list[Any]:
    """The course over epochs, and tables of the last measurement."""
    text = (
        "Shapley value: what switching the seed on adds to the validation accuracy, mean over all orders of switching "
        "seeds on. Median over environments; choose one to see its own. The table below has the 95% intervals."
    )
    legend = "{{slot}} {{group}} {{run}}"
    value = Query(median(of("nissa_slot_shapley_ratio"), "run, group, slot"), legend)
    return [
        lines("Attribution", text, "percentunit", value, size=(24, 9)),
        _seeds(),
        _pairs(),
    ]


def _seeds() -> Any:
    text = (
        "One row a seed in the network that was measured last: its Shapley value with the 95% interval, whether that "
        "is exact (of all configurations), its marginal contribution, and the ablation, which is leave one out. The "
        "Shapley values of a network add up to its accuracy with all seeds minus that with none."
    )
    parts = {"shapley": "shapley", "low": "shapley_low", "high": "shapley_high", "marginal": "marginal"}
    ratios = {head: Column(head, of(f"nissa_slot_{part}_ratio"), "percentunit") for head, part in parts.items()}
    return rows(
        "Attribution by seed",
        text,
        _BY,
        *(ratios[head] for head in ("shapley", "low", "high")),
        Column("exact", of("nissa_slot_shapley_exact"), "none"),
        ratios["marginal"],
        Column("ablation", of("nissa_slot_ablation_ratio"), "percentunit"),
        size=(24, 8),
        first="shapley",
    )


def _pairs() -> Any:
    text = (
        "What two seeds add together beyond what each adds without the other, mean over the configurations of the rest "
        "as Shapley values weigh them, with its 95% interval. Below 0 they do the same work."
    )
    parts = {"interaction": "", "low": "_low", "high": "_high"}
    columns = (Column(head, of(f"nissa_slot_interaction{end}_ratio"), "percentunit") for head, end in parts.items())
    return rows("Interactions", text, _BY, *columns, size=(24, 8), first="interaction")
