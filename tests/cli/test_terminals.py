"""What a terminal gets of names that would steer it, and what a narrow or a foreign one is left with."""

import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted, GateCheck, GateEvaluated, SeedCulled, SeedGerminated, SlotSnapshot
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.console import ConsoleSink
from tests.samples import episode_ended, episode_started, epoch_completed, run_started

EVIL = "\x1b[2J\x1b]0;mine\x07[red]x[/] :fire:\nnext\r\u202elast\x9b31m尺寸"
SEEN = r"\x1b[2J\x1b]0;mine\x07[red]x[/] :fire:\nnext\r\u202elast\x9b31m"
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
Printed = Callable[..., str]


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which whatever bears a name, or gives a reason, would steer a terminal."""
    out = tmp_path_factory.mktemp("evil") / "run"
    with Telemetry(f"r{EVIL}", out=out) as telemetry:
        telemetry.emit(replace(run_started(), git_commit=EVIL, task_type=EVIL, versions={EVIL: EVIL}))
        env = telemetry.scope(group=f"g{EVIL}", env=0, episode=0, epoch=1)
        env.emit(replace(episode_started(), policy=EVIL))
        env.emit(SeedGerminated(slot=EVIL, seed=EVIL, blueprint=EVIL, params=16))
        for batch in range(30):
            loss = 1.0 if batch < 20 else float("nan")
            env.emit(BatchCompleted(batch=batch, loss=loss, seed_grad_norms={EVIL: 1.0}))
        check = GateCheck(name=EVIL, passed=False, value=1.0)
        gate = GateEvaluated(
            slot=EVIL, seed=EVIL, gate=EVIL, passed=False, target_stage=EVIL, checks=[check], reason=EVIL
        )
        env.emit(gate)
        slots = [SlotSnapshot(slot=EVIL, stage=EVIL, epochs_in_stage=1, blueprint=EVIL, last_gate_reason=EVIL)]
        env.emit(replace(epoch_completed(50.0, 16), slots=slots))
        env.emit(SeedCulled(slot=EVIL, seed=EVIL, blueprint=EVIL, reason=EVIL, initiator=EVIL, epochs_total=2))
        env.emit(replace(episode_ended(), outcome=EVIL))
        telemetry.close("failed", error=EVIL)
    return out


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What a command writes to the standard output and error of some encoding."""

    def run(*words: object, encoding: str = "utf-8", status: int = 0) -> str:
        out, wrong = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", wrong)
        try:
            ended = main([*map(str, words)])
        except SystemExit as early:
            ended = int(early.code or 0)
        for stream in (out, wrong):
            stream.flush()
        written = [stream.buffer.getvalue().decode(encoding) for stream in (out, wrong)]
        assert ended == status, written
        return "".join(written)

    return run


COMMANDS = [
    ("replay", "RUN"),
    ("replay", "RUN", "--json"),
    ("show", "RUN"),
    ("show", "RUN", "--epoch", "1"),
    ("show", "RUN", "--json"),
    ("show", "RUN", "--kind", "seed_culled"),
    ("traces", "RUN", "--marks"),
    ("trace", "RUN", "1"),
    ("backfill", "RUN", "NEW"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_name_steers_a_terminal_of_any_encoding(
    evil: Path, tmp_path: Path, printed: Printed, words: tuple[str, ...], encoding: str
) -> None:
    there = {"RUN": evil, "NEW": tmp_path / f"new{EVIL.replace('/', '')}.om"}
    text = printed(*(there.get(word, word) for word in words), encoding=encoding)
    assert not STEERS.search(text)
    if "--json" in words:
        assert json.dumps(EVIL)[1:-1] in json.dumps(json.loads(text))
    elif words[0] != "show" or "--kind" not in words:
        assert SEEN in text


def test_what_is_wrong_is_told_without_steering_the_terminal(evil: Path, printed: Printed) -> None:
    for words in (
        ("replay", EVIL),
        ("show", evil, EVIL),
        ("demo", "--episodes", EVIL),
        (EVIL,),
        ("replay", "x" * 9999),
    ):
        text = printed(*words, status=2)
        assert not STEERS.search(text)
        assert len(text) < 3_000


def test_a_live_run_prints_no_name_that_steers(printed: Printed, capsys: pytest.CaptureFixture[str]) -> None:
    with Telemetry(f"r{EVIL}", sinks={"console": ConsoleSink()}) as telemetry:
        env = telemetry.scope(group=EVIL, env=0, episode=0, epoch=1)
        env.emit(SeedGerminated(slot=EVIL, seed=EVIL, blueprint=EVIL, params=16))
        env.emit(SeedCulled(slot=EVIL, seed=EVIL, blueprint=EVIL, reason=EVIL, initiator=EVIL, epochs_total=2))
    text = capsys.readouterr().out
    assert SEEN in text
    assert not STEERS.search(text)


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_keeps_every_number(
    evil: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    wide = re.findall(r"\d[\d,]*\.\d+|\d+%", printed("replay", evil).partition("Is growing")[0])
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = printed("replay", evil)
    assert [number for number in wide if number not in narrow] == []
    assert all(len(line) <= columns for line in narrow.splitlines()[3:])
