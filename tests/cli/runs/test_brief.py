"""`nissa brief`: one page whose claims are those of the other commands, which it names."""

import json
import os
import re
import shlex
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.events.kinds import DecisionMade
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import batch
from tests.samples import episode_ended, episode_started, epoch_completed, run_started

SECTIONS = ["What it was", "Is growing winning", "What happened", "What is wrong", "What to look at next"]


def printed(capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def claims(capsys: pytest.CaptureFixture[str], run: Path) -> dict[str, list[Any]]:
    document = json.loads(printed(capsys, "brief", run, "--json"))
    return {section["title"]: section["claims"] for section in document["sections"]}


def test_the_page_is_short_and_says_what_the_document_says(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "brief", demo)
    found = claims(capsys, demo)
    assert len(page.split()) <= 1200
    assert re.findall("^## (.*)$", page, re.MULTILINE) == [*found] == SECTIONS
    said = [claim["says"].replace("[", "\\[") for rows in found.values() for claim in rows]
    assert [re.sub(r" \(`nissa .*`\)$", "", line[2:]) for line in page.splitlines() if line.startswith("- ")] == said


@pytest.mark.deep
def test_what_backs_a_claim_can_be_asked(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = {claim["see"] for rows in claims(capsys, demo).values() for claim in rows if claim["see"]}
    alike = {re.sub(r"\b\d+\b", "N", command): command for command in sorted(commands - {"nissa study"})}
    assert len(alike) > 5
    for command in alike.values():
        assert "No " not in printed(capsys, *shlex.split(command)[1:])[:60], command


def test_figures_are_those_of_a_replay(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, ops = claims(capsys, demo), Counter[str]()

    def decided(event: Any) -> None:
        if isinstance(event.payload, DecisionMade):
            ops[event.payload.action.op] += 1

    tables = replay(demo, [decided]).tables.snapshot()
    said = "\n".join(claim["says"] for rows in found.values() for claim in rows)
    assert f"{ops.total():,} decisions: WAIT {ops['WAIT'] / ops.total():.0%}" in said
    gains = [row["kept_accuracy"] - row["twin_final_accuracy"] for row in tables["episodes"]]
    assert f"({max(gains):+.2f} points)" in said
    assert f"({min(gains):+.2f} points)" in said
    for row in tables["blueprints"][:5]:
        assert f"{row['blueprint']}: {row['fossilized']} of {row['germinated']} fossilized" in said


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Many environments that end badly, in a run whose names would be markup."""
    with Telemetry("<b>`x`", out=tmp_path / "run [1]") as telemetry:
        telemetry.emit(run_started())
        for env in range(60):
            here = telemetry.scope(group="<script>", env=env, episode=0)
            here.emit(episode_started())
            for at in range(1, 4):
                here.move(epoch=at)
                here.emit(batch(0, float("nan")))
                here.emit(epoch_completed(50.0))
            here.emit(episode_ended())
    return tmp_path / "run [1]"


def test_a_page_stays_a_page_and_names_are_no_markup(crowded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "brief", crowded)
    assert len(page.split()) <= 1200
    assert "And 55 more." in page
    assert "60 x non_finite (critical)." in page
    assert "<script>" not in page
    assert "<b>" not in page


def test_of_a_run_without_episodes_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Telemetry("bare", out=tmp_path / "run"):
        pass
    assert "No episode was told" in printed(capsys, "brief", tmp_path / "run")


@pytest.mark.parametrize("command", ["brief", "show"])
@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("shapes do not fit"), "The run has failed: ValueError('shapes do not fit')."),
        (KeyboardInterrupt(), "The run was interrupted: KeyboardInterrupt()."),
    ],
)
def test_a_run_that_did_not_come_to_its_end_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, error: BaseException, says: str
) -> None:
    with suppress(type(error)), Telemetry("broken", out=tmp_path / "run") as telemetry:
        telemetry.scope(env=0, epoch=1).emit(batch(0, 1.0))
        raise error
    page = printed(capsys, command, tmp_path / "run")
    assert says in page
    assert "nothing was lost" not in page
    with Telemetry("broken", out=tmp_path / "run", resume=True):
        pass
    assert says not in printed(capsys, command, tmp_path / "run")


def test_a_report_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(ValueError), Telemetry("broken", out=tmp_path / "run"):
        raise ValueError("shapes")
    printed(capsys, "report", tmp_path / "run", "-o", tmp_path / "page.html")
    assert "The run has failed: ValueError(" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("command", ["brief", "show"])
def test_a_run_without_an_end_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    with Telemetry("broken", out=tmp_path / "run") as telemetry:
        telemetry.scope(env=0, epoch=1).emit(batch(0, 1.0))
        telemetry.flush()
        assert "no end" not in printed(capsys, command, tmp_path / "run")
    (segment,) = (tmp_path / "run").glob("events-*")
    segment.write_bytes(b"".join(line for line in segment.read_bytes().splitlines(True) if b"run_ended" not in line))
    assert "no end" not in printed(capsys, command, tmp_path / "run"), "another machine may write it"
    os.utime(segment, (1.0, 1.0))
    assert "The run has no end, and nobody writes it any more: it died" in printed(capsys, command, tmp_path / "run")
