"""`nissa show` on a log of esper-lite, in which much is not told: dashes for it, and every event by its kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.cli.runs import show_kind

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def log(root: Path) -> Path:
    return root / "tests/pipeline/sources/esper/esper_excerpt.jsonl"


def said(capsys: Capture, *words: Any) -> str:
    # Some of its lines are no events.
    assert main([str(word) for word in words]) == 1
    return capsys.readouterr().out


def test_what_was_not_told_is_a_dash_or_no_column(log: Path, capsys: Capture) -> None:
    epochs = said(capsys, "show", log, "--env", 0, "--episode", 0)
    row = next(line.split() for line in epochs.splitlines() if "45.00%" in line)
    assert "train loss" not in epochs
    assert "host grad" not in epochs
    assert row[6] == "1,050"
    assert "r0c0" in said(capsys, "show", log, "--env", 0, "--episode", 0, "--epoch", 2)
    assert "None" not in epochs


@pytest.mark.parametrize("words", [["show", "--json"], ["show", "--env", "1"], ["replay", "--json"], ["traces"]])
def test_every_command_takes_such_a_log(log: Path, capsys: Capture, words: list[str]) -> None:
    assert said(capsys, words[0], log, *words[1:])


@pytest.mark.parametrize(
    ("kind", "count"),
    [("seed_fossilized", 1), ("SEED_FOSSILIZED", 1), ("SEEDS_SANG", 1), ("foreign_event_carried", 6), ("no_such", 0)],
)
def test_events_are_found_by_our_kind_and_by_their_type(log: Path, capsys: Capture, kind: str, count: int) -> None:
    document = json.loads(said(capsys, "show", log, "--kind", kind, "--json"))
    assert (len(document["events"]), document["left_out"]) == (count, 0)
    text = said(capsys, "show", log, "--kind", kind)
    assert len(text.splitlines()) == max(count, 1)
    assert ("No event of these is of that kind. There are:" in text) == (count == 0)


def test_they_are_found_by_where_they_were_and_bounded(
    log: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(said(capsys, "show", log, "--kind", "epoch_completed", "--env", 1).splitlines()) == 4
    monkeypatch.setattr(show_kind, "KEPT", 3)
    text = said(capsys, "show", log, "--kind", "epoch_completed").splitlines()
    assert (text[0], len(text)) == ("5 earlier ones are left out.", 4)
    assert all(len(line) < 300 for line in text)
