"""Every quantity as a page of Markdown: what it is called and in which unit, in the log, in metrics and in panels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass

from nissa.events.quantities import Quantity, parts, quantities
from nissa.sinks.prometheus import Reading, readings

__all__ = ["exported", "quantities_page"]

_HEAD = """# Quantities

What is each number called, in which unit is it, and what does it mean? `make dashboards` writes this page.

- The name is that of the field in the log and in its JSON Schema. The tables of `nissa replay --json` have the same.
- A name with several rows means something else in each kind of event. The unit is the same in all.
- Metrics hold percent and points as ratios from 0 to 1. Panels show these in percent again.
- `factor` is a ratio that may pass 1, such as growth. `count` is a whole number.
- `none` has no unit, or that of what the event is about.
- `count` and `none` may have a closer unit in the metric's name.
- Traces hold copies of these under the same names, and are left out.
- [Metrics](metrics.md) lists the metrics, also those that are worked out of several quantities.

| name | unit | meaning | events | metrics | panels |
|---|---|---|---|---|---|
"""


def quantities_page(uses: Mapping[str, Sequence[str]]) -> str:
    """The page; `uses` says of a metric which panels, alerts and rules name it."""
    shown = list(readings())
    return _HEAD + "".join(_row(quantity, exported(quantity, shown), uses) for quantity in quantities())


def exported(quantity: Quantity, shown: Iterable[Reading]) -> list[Reading]:
    """The readings of metrics that show the quantity."""
    return [reading for reading in shown if reading.field == quantity.name and _owner(reading) & {*quantity.owners}]


def _owner(reading: Reading) -> set[type]:
    """What the field may be one of. What is no field of the event is one of a part, whatever the rows are."""
    source = reading.source
    if not is_dataclass(source):
        # What the sink itself knows.
        return set()
    names = {field.name for field in fields(source)}
    return {*parts(source)} - {source} if reading.part or reading.field not in names else {source}


def _row(quantity: Quantity, shown: Iterable[Reading], uses: Mapping[str, Sequence[str]]) -> str:
    metrics = [reading.metric for reading in shown]
    panels = dict.fromkeys(use for metric in metrics for use in uses.get(metric.name, ()) if not _of_rule(use))
    names = dict.fromkeys(f"`{metric.name}` ({metric.unit})" for metric in metrics)
    cells = (
        f"`{quantity.name}`",
        quantity.unit,
        quantity.meaning.replace("|", "\\|"),
        ", ".join(f"`{kind}`" for kind in quantity.kinds),
    )
    text = " | ".join((*cells, ", ".join(names) or "-", ", ".join(panels) or "-"))
    return f"| {text} |\n"


def _of_rule(use: str) -> bool:
    return use.startswith(("alert ", "rule ")) or use in {"variables", "marks"}
