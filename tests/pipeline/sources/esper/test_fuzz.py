"""Logs of esper-lite that nobody has seen: whatever is wrong in them, no exception, and the account adds up."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import decode, encode
from nissa.pipeline.replay import replay
from nissa.pipeline.sources.esper.rules_table import RULES
from tests.pipeline.sources.reading import adds_up, read

WHOLE = Path(__file__).parent / "esper_excerpt.jsonl"
LINES = [line for line in WHOLE.read_text().splitlines() if line.startswith('{"event_id": "0')]
ROWS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
FIELDS = sorted({name for row in ROWS for name in row["data"]})
TYPES = sorted({name.split()[0] for name in RULES})

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["1", "NaN", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row of the excerpt with fields dropped, replaced, added, or under another type."""
    row: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(ROWS))))
    for where in draw(st.lists(st.sampled_from(["drop", "change", "envelope", "type", "inside"]), max_size=3)):
        name = draw(st.sampled_from(sorted(row["data"]) or FIELDS))
        match where:
            case "drop":
                row["data"].pop(name, None)
            case "change":
                row["data"][draw(st.sampled_from(FIELDS))] = draw(ANYTHING)
            case "envelope":
                row[draw(st.sampled_from(["event_id", "seed_id", "epoch", "group_id", "message"]))] = draw(ANYTHING)
            case "type":
                row["event_type"] = draw(st.sampled_from(TYPES) | st.text(max_size=5))
            case "inside" if isinstance(row["data"].get(name), dict):
                row["data"][name][draw(st.text(max_size=3))] = draw(ANYTHING)
    return row


BROKEN = st.sampled_from([line[:90] for line in LINES]) | st.text(max_size=20).map(json.dumps)
LOGS = st.lists(rows().map(json.dumps) | st.sampled_from(LINES) | BROKEN, min_size=1, max_size=25)


@settings(max_examples=300)
@given(LOGS)
def test_whatever_is_in_a_log_every_line_is_accounted_for(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "events.jsonl"
        path.write_text("\n".join([LINES[0], *lines]))
        events, reading = read(path)
        assert replay(path).faults.counts == {}
    assert adds_up(reading)
    assert reading.foreign
    assert reading.foreign.lines == 1 + len(lines)
    assert [event.seq for event in events] == list(range(len(events)))
    for event in events:
        again = decode(encode(event))
        assert (again.seq, again.scope, type(again.payload)) == (event.seq, event.scope, type(event.payload))


@settings(max_examples=50)
@given(st.permutations(LINES), st.integers(0, 3))
def test_the_order_of_lines_may_be_any_and_some_may_come_twice(lines: list[str], twice: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "events.jsonl"
        path.write_text("\n".join(lines + lines[:twice]))
        _, reading = read(path)
    assert adds_up(reading)
    assert reading.foreign
    assert reading.foreign.duplicates == twice + len(LINES) - len({row["event_id"] for row in ROWS})
