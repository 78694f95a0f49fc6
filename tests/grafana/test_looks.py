"""How dashboards look, where no rule about single panels says it: marks, names of series, columns, empty panels."""

import json
import math
import re
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from nissa.cli.runs.replay import read_run
from nissa.grafana.panels.fields import limited
from nissa.grafana.panels.palette import BAD, NAMED, POOR
from nissa.grafana.panels.panels import bars, lines
from nissa.grafana.panels.tables import Column, rows
from nissa.grafana.panels.thresholds import ANY, Limits
from nissa.grafana.promql.queries import Query
from nissa.sinks.prometheus.collector import PrometheusSink
from tests.grafana.checking import panels
from tests.grafana.legends import deciding, look

Boards = dict[str, dict[str, Any]]

SPREAD = tuple(Query("x", f"{word} {{{{group}}}} {{{{run}}}}") for word in ("highest", "median", "lowest"))


def built(panel: Any) -> dict[str, Any]:
    """The panel as Grafana's JSON."""
    document: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return document


def color_of(name: str, query: Query) -> str:
    """The colour of a series of this name in a panel of this query."""
    overrides = built(lines("Title", "A text.", "short", query))["fieldConfig"]["overrides"]
    rules = [(rule["matcher"]["options"].strip("/"), json.dumps(rule["properties"])) for rule in overrides]
    return str(look(name, tuple(rules))["color"]["fixedColor"])


def test_what_happens_often_is_marked_only_if_the_reader_wants_it(boards: Boards) -> None:
    (marks,) = {json.dumps(board["annotations"]["list"]) for board in boards.values()}
    assert {mark["name"] for mark in json.loads(marks) if mark["enable"]} == {
        "Runs start",
        "Runs end",
        "Critical alerts",
    }


def test_layers_of_one_number_and_of_one_kind_are_told_apart() -> None:
    query = Query("x", "{{layer}} {{group}} {{run}}")
    layers = [f"host.{kind}{n}" for kind in ("conv", "relu") for n in range(1, 5)]
    assert len({color_of(f"{layer} ppo a1", query) for layer in layers}) == len(layers)


def test_what_is_alike_in_three_slots_has_three_colours() -> None:
    query = Query("x", "{{layer}} {{group}} {{run}}")
    for layer in ("body.0", "body.1", "body.queries_keys_values", "body.out", "conv"):
        colors = [color_of(f"{slot}.seed.{layer} ppo a1", query) for slot in ("early", "mid", "late")]
        assert len({*colors}) == 3, layer


def test_every_value_of_a_label_that_has_colours_has_one_in_a_demo(demo: Path, boards: Boards) -> None:
    legends = [t.get("legendFormat", "") for board in boards.values() for p in panels(board) for t in p["targets"]]
    colored = {deciding(legend) for legend in legends} & NAMED.keys()
    assert colored >= {"kind", "phase", "component", "reason", "head", "blueprint", "stage"}
    sink = PrometheusSink(grace=math.inf)
    read_run(demo, sink)
    labels = [sample.labels for family in sink.collect() for sample in family.samples]
    seen = {(name, value) for row in labels for name, value in row.items() if name in colored}
    assert {name for name, _ in seen} >= {"kind", "phase", "component", "reason", "head", "blueprint", "stage"}
    assert {(name, value) for name, value in seen if value not in NAMED[name]} == set()


def test_a_line_at_a_limit_has_the_colour_of_what_is_worse() -> None:
    """Grafana draws a step's line in its colour, or, up to a transparent one, in that of the step below."""
    for limits, drawn in ((Limits(1, 2), [POOR, BAD]), (Limits(2, 1, below=True), [BAD, POOR])):
        steps = [(step.value, step.color) for step in limited(limits, drawn=True).build().steps]
        clear = next((n for n, (_, color) in enumerate(steps) if color == "transparent"), 0)
        assert [steps[n - 1 if n <= clear else n][1] for n in range(1, len(steps))] == drawn
        assert [at for at, _ in steps] == [None, 1, 2]


def test_a_column_alone_is_shown_only_if_it_can_be_red() -> None:
    shown = built(rows("Title", "A text.", ("run",), Column("many", "x", "none", ANY)))
    hidden = built(rows("Title", "A text.", ("run",), Column("there", "x", "none")))
    options = [panel["transformations"][-1]["options"] for panel in (shown, hidden)]
    assert [told["renameByName"] for told in options] == [{"Value": "many"}, {}]
    assert [told["excludeByName"] for told in options] == [{"Time": True}, {"Time": True, "Value": True}]


def test_a_commit_is_shown_as_people_write_it() -> None:
    panel = built(rows("Title", "A text.", ("git_commit",), Column("there", "x", "none")))
    (rule,) = panel["fieldConfig"]["overrides"]
    (mapping,) = next(row["value"] for row in rule["properties"] if row["id"] == "mappings")
    pattern, text = mapping["options"]["pattern"], mapping["options"]["result"]["text"]
    assert re.sub(pattern, text.replace("$1", r"\1"), "0123456789abcdef0123456789abcdef01234567") == "01234567"


def test_what_is_empty_can_say_so_in_words() -> None:
    for said in ("Nothing is wrong", ""):
        made = (
            bars("Title", "A text.", "none", Query("x", "{{run}}"), none=said),
            rows("Title", "A text.", ("run",), Column("there", "x", "none"), none=said),
        )
        assert {built(panel)["fieldConfig"]["defaults"].get("noValue", "") for panel in made} == {said}


def test_an_axis_ends_where_it_is_told() -> None:
    assert built(lines("Title", "A text.", "percentunit", *SPREAD, high=1))["fieldConfig"]["defaults"]["max"] == 1
