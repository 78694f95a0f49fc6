"""How dashboards look, where no rule about single panels says it: marks, names of series, columns, empty panels."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from nissa.grafana.panels.fields import limited
from nissa.grafana.panels.palette import BAD, POOR
from nissa.grafana.panels.panels import bars, lines
from nissa.grafana.panels.tables import Column, rows
from nissa.grafana.panels.thresholds import ANY, Limits
from nissa.grafana.promql.queries import Query
from tests.grafana.checking import panels

Boards = dict[str, dict[str, Any]]

SPREAD = tuple(Query("x", f"{word} {{{{group}}}} {{{{run}}}}") for word in ("highest", "median", "lowest"))


def built(panel: Any) -> dict[str, Any]:
    """The panel as Grafana's JSON."""
    document: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return document


def test_the_same_is_marked_everywhere_and_what_happens_often_only_if_the_reader_wants_it(boards: Boards) -> None:
    (marks,) = {json.dumps(board["annotations"]["list"]) for board in boards.values()}
    shown = {mark["name"]: mark["enable"] for mark in json.loads(marks)}
    assert {name for name, at_once in shown.items() if at_once} == {"Runs start", "Runs end", "Critical alerts"}
    seeds = {f"Seeds {what}" for what in ("germinate", "fossilize", "are culled")}
    assert {name for name, at_once in shown.items() if not at_once} == {"Warnings", *seeds}


MEANT = {
    "stage": {
        "DORMANT": "#4D4D4D",
        "GERMINATED": "#56B4E9",
        "TRAINING": "#0072B2",
        "BLENDING": "#F0E442",
        "SHADOWING": "#692D00",
        "HOLDING": "#E69F00",
        "FOSSILIZED": "#009E73",
        "CULLED": "#D55E00",
        "EMBARGOED": "#CC79A7",
        "RESETTING": "#6B6B6B",
    },
    "severity": {"critical": "#D55E00", "warning": "#F0E442", "info": "#56B4E9"},
    "blueprint": {"norm": "#56B4E9", "attention": "#E69F00", "depthwise": "#009E73", "conv_enhance": "#CC79A7"},
    "group": {"ppo": "#56B4E9", "heuristic": "#E69F00", "never": "#6B6B6B"},
}
"""Colours of values by label; each is meant wherever a legend names nothing but it, group, run and words."""


def look(name: str, panel: dict[str, Any]) -> dict[str, Any]:
    """What a series of this name has; the last rule that matches counts."""
    rules = panel["fieldConfig"]["overrides"]
    found = [
        row for rule in rules if re.search(rule["matcher"]["options"].strip("/"), name) for row in rule["properties"]
    ]
    return {row["id"]: row["value"] for row in found}


def graphs(boards: Boards) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Graphs, with the legends of their lines."""
    for panel in (panel for board in boards.values() for panel in panels(board) if panel["type"] == "timeseries"):
        yield panel, [target["legendFormat"] for target in panel["targets"]]


def named(legend: str, **labels: str) -> str:
    """A series with these labels, as the legend shows it."""
    return re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], f"some-{label[1]}"), legend)


def told(legend: str) -> str:
    """The label that says what a line is of: what stands before env, group and run, or else the group."""
    labels = re.findall(r"{{(\w+)}}", legend)
    others = [label for label in labels if label not in {"group", "run", "env", "instance"}]
    return str(others[-1]) if others else "group" if "group" in labels else ""


def test_what_means_something_has_the_same_colour_everywhere_and_nothing_else_has_one(boards: Boards) -> None:
    seen = Counter[str]()
    for panel, legends in graphs(boards):
        assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "palette-classic"}
        meant = {value: color for legend in legends for value, color in MEANT.get(told(legend), {}).items()}
        for legend in legends:
            seen[told(legend)] += 1
            assert "color" not in look(named(legend), panel), panel["title"]
            for value, color in meant.items():
                mode = "shades" if told(legend) == "group" else "fixed"
                name = named(legend, **{told(legend): value})
                assert look(name, panel)["color"] == {"mode": mode, "fixedColor": color}, panel["title"]
        every = [row["value"]["fixedColor"] for row in colors_of(panel)]
        assert every == [*meant.values()], panel["title"]
    assert seen.keys() > MEANT.keys()


def colors_of(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that sets a colour."""
    return [row for rule in panel["fieldConfig"]["overrides"] for row in rule["properties"] if row["id"] == "color"]


def test_lines_of_two_groups_differ_in_their_dashes_unless_those_of_words_do(boards: Boards) -> None:
    for panel, legends in graphs(boards):
        if "stacking" in panel["fieldConfig"]["defaults"]["custom"] or "{{group}}" not in legends[0]:
            continue
        dashes = [
            [
                str(look(named(legend, group=group), panel).get("custom.lineStyle"))
                for group in ("ppo", "heuristic", "never")
            ]
            for legend in legends
        ]
        words = len(legends) > 1 and not legends[0].startswith("highest")
        assert len({*dashes[0]}) == 3, panel["title"]
        assert not words or len({of_word[0] for of_word in dashes}) == len(legends), panel["title"]


def test_the_highest_and_the_lowest_are_thinner_than_the_median(boards: Boards) -> None:
    spreads = [(panel, legends) for panel, legends in graphs(boards) if legends[0].startswith("highest")]
    assert len(spreads) > 20
    for panel, legends in spreads:
        widths = [look(named(legend), panel).get("custom.lineWidth", 2) for legend in legends]
        assert (widths, panel["fieldConfig"]["defaults"]["custom"]["lineWidth"]) == ([1, 2, 1], 2)


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
    for none, said in {"Nothing is wrong": "Nothing is wrong", "": "not told"}.items():
        made = (
            bars("Title", "A text.", "none", Query("x", "{{run}}"), none=none),
            rows("Title", "A text.", ("run",), Column("there", "x", "none"), none=none),
        )
        assert {built(panel)["fieldConfig"]["defaults"].get("noValue", "") for panel in made} == {said}


def test_an_axis_ends_where_it_is_told() -> None:
    assert built(lines("Title", "A text.", "percentunit", *SPREAD, high=1))["fieldConfig"]["defaults"]["max"] == 1
