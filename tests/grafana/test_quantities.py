"""One quantity has one name, one unit and one meaning: in the log, its schema, the metrics, and the page of both."""

from collections import defaultdict
from dataclasses import fields
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kind import KINDS, Importance, Payload, kind, part
from nissa.events.quantities import COUNT, Quantity, quantities
from nissa.events.schema import json_schema
from nissa.events.units import Count, Measure, Norm, Percent
from nissa.grafana.quantities_page import exported, quantities_page
from nissa.sinks.prometheus import METRICS, Reading, readings
from nissa.sinks.tables import Tables
from tests.samples import event, payloads

HUNDREDTHS = {
    "percent": "ratio",
    "percentage points": "ratio",
    "percent per growth ratio": "ratio per factor",
}
"""What a metric holds a hundredth of, and how its unit is called then."""
ALIKE = {"ratio": {"ratio", "factor"}, "none": {"none", "1"}}
"""Units of fields, and what else they are called in metrics: a factor may pass 1."""
BY_KIND = {
    "ablation",
    "batch",
    *("accuracy", "accuracy_delta", "culled", "decisions", "dropped", "entropy", "epochs", "epochs_in_stage"),
    "reasons",
    *(
        "final_accuracy",
        "final_loss",
        "fossilized",
        "germinated",
        "growth_ratio",
        "host_grad_norm",
        "isolation_forward_leakage",
        "isolation_leakage",
    ),
    *(
        "loss",
        "mean",
        "params_added",
        "queued",
        "samples",
        "seed_grad_norms",
        "seed_non_finite",
        "std",
        "threshold",
        "update",
    ),
    *("grad_norm", "loading", "own_seconds", "rank", "seconds", "steps"),
    *("val_accuracy", "val_loss", "value", "values", "window", "zero"),
}
"""Names that mean something else in each kind: of a batch or an epoch, an episode or a run, the host or its twin."""


def by_name(rows: list[Quantity]) -> dict[str, list[Quantity]]:
    named = defaultdict[str, list[Quantity]](list)
    for row in rows:
        named[row.name].append(row)
    return named


def clashes(rows: list[Quantity]) -> list[str]:
    """Names of two units; "none" is the unit of what something is about, and clashes with nothing."""
    return [name for name, same in by_name(rows).items() if len({row.unit for row in same} - {"none"}) > 1]


def homonyms(rows: list[Quantity]) -> set[str]:
    return {name for name, same in by_name(rows).items() if len({row.meaning for row in same}) > 1}


def disagreements(shown: list[Reading]) -> list[tuple[str, str, str]]:
    """Metrics whose unit is not that of their field, with both."""
    found, rows = [], quantities()
    for row in rows:
        for reading in exported(row, shown):
            unit = reading.metric.unit
            if reading.percent:
                good = unit == HUNDREDTHS.get(row.unit)
            elif row.unit == COUNT:
                good = unit not in {other.unit for other in rows} - {COUNT, "epochs"}
            else:
                good = unit in ALIKE.get(row.unit, {row.unit})
            found += [] if good else [(reading.metric.name, row.unit, unit)]
    return found


def test_a_name_has_one_unit() -> None:
    assert clashes(quantities()) == []


def test_a_name_has_one_meaning_but_where_the_kind_tells_them_apart() -> None:
    assert homonyms(quantities()) == BY_KIND


def test_a_metric_has_the_unit_of_its_field() -> None:
    assert disagreements(list(readings())) == []


def test_no_meaning_leans_on_the_field_before_it() -> None:
    """A row of the page stands alone."""
    leaning = ("Its ", "The same", "Their ", "Those ", "Of the ", "As ", "Upper end of it", "Lower end of its")
    assert [row.name for row in quantities() if row.meaning.startswith(leaning)] == []


def test_units_are_those_of_the_schema() -> None:
    """By hand, from the schema as it is printed."""
    ended = next(
        rule["then"]["properties"]["data"]["$ref"].rsplit("/", 1)[-1]
        for rule in json_schema()["allOf"]
        if rule["if"]["properties"]["kind"]["const"] == "episode_ended"
    )
    told = json_schema()["$defs"][ended]["properties"]["final_accuracy"]
    (row,) = [row for row in quantities() if row.name == "final_accuracy" and "episode_ended" in row.kinds]
    assert (row.unit, row.meaning) == (told["anyOf"][0]["unit"], told["description"])


@pytest.fixture
def odd() -> Any:
    """Kinds that say known names in another unit, or with another meaning."""

    @part
    class OddPart:
        """A part."""

        reward: Norm
        """Another thing."""

    @kind(Importance.BULK)
    class OddHappened(Payload):
        """An event."""

        alpha: Percent
        """Another meaning."""
        parts: dict[str, OddPart]
        """Parts."""
        yes: bool
        """No number."""
        plain: Annotated[float, Measure("furlongs")] | None = None
        """A length."""
        many: list[Count]
        """Counts."""

    OddHappened.__annotations__["parts"] = dict[str, OddPart]
    yield
    del KINDS["odd_happened"]


def test_a_second_unit_or_meaning_is_found(odd: Any) -> None:
    assert clashes(quantities()) == ["alpha", "reward"]
    assert {"alpha", "reward"} <= homonyms(quantities())
    mine = {row.name: row.unit for row in quantities() if "odd_happened" in row.kinds}
    assert mine == {"alpha": "percent", "reward": "L2 norm", "plain": "furlongs", "many": "count"}


@pytest.mark.parametrize(
    ("name", "unit", "percent"),
    [
        ("nissa_val_accuracy_ratio", "percent", True),
        ("nissa_val_accuracy_ratio", "ratio", False),
        ("nissa_val_loss", "seconds", False),
        ("nissa_val_samples", "seconds", False),
    ],
)
def test_a_metric_in_another_unit_is_found(name: str, unit: str, percent: bool) -> None:
    (reading,) = [reading for reading in readings() if reading.metric.name == name]
    wrong = reading._replace(metric=reading.metric._replace(unit=unit), percent=percent)
    assert [found[0] for found in disagreements([wrong])] == [name]


def test_readings_are_found_of_payloads_parts_and_mappings_and_of_nothing_that_is_worked_out() -> None:
    found = {reading.metric.name: reading[2:] for reading in readings()}
    assert found["nissa_val_loss"] == ("val_loss", False, False)
    assert found["nissa_head_entropy_nats_total"] == ("entropy", False, True)
    assert found["nissa_slot_grad_norm"] == ("seed_grad_norms", False, False)
    assert found["nissa_slot_ablation_ratio"] == ("counterfactual_contribution", True, True)
    assert {"nissa_advantage_mean", "nissa_decisions_agreed_total", "nissa_class_accuracy_min_ratio"}.isdisjoint(found)
    assert found.keys() <= METRICS.keys()


def test_the_page_has_every_number_once_with_its_metrics_and_panels() -> None:
    page = quantities_page({"nissa_val_loss": ["network: Losses", "alert NissaIll", "rule `x`"]})
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert len({(row[0], row[2]) for row in rows}) == len(rows) == len(quantities())
    (loss,) = [row for row in rows if row[0] == "| `val_loss`" and "`epoch_completed`" in row[3]]
    assert loss[4:] == ["`nissa_val_loss` (nats)", "network: Losses |"]
    assert all(len(row) == 6 for row in rows)
    shown = {name for row in rows for name in METRICS if f"`{name}`" in row[4]}
    known = {reading.metric.name for reading in readings() if reading.source in KINDS.values()}
    # A number that is no quantity (a yes or no, a time, or where something happened) is on the page of metrics alone.
    assert len(known - shown) < len(shown) / 4


@settings(max_examples=3)
@given(st.data())
def test_names_in_the_json_of_a_replay_are_those_of_the_log(data: st.DataObject) -> None:
    tables = Tables()
    kinds = {"verdicts": "verdict_reached", "episodes": "episode_compared", "blueprints": "blueprint_summarized"}
    kinds |= {"scoreboards": "scoreboard_updated"}
    for name in kinds.values():
        tables(event(data.draw(payloads(KINDS[name]))))
    for table, name in kinds.items():
        (row,) = tables.snapshot()[table]
        assert row.keys() == {"run", *(field.name for field in fields(KINDS[name]))}  # type: ignore[arg-type]


def test_copies_in_traces_are_left_out() -> None:
    assert not any(owner.__module__ == "nissa.events.traces" for row in quantities() for owner in row.owners)
