"""A run on the trainer's own terminal: a real one, with real bars of tqdm and rich, and one that is closed or stuck."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from nissa.events.kinds import BatchCompleted, SeedGerminated
from nissa.pipeline.telemetry import Telemetry
from tests.pseudo_terminal import PseudoTerminal, script
from tests.samples import epoch_completed
from tests.waiting import until

EPOCHS = 12
TRAINER = """
import os, sys, time
from nissa import Telemetry
from nissa.events import BatchCompleted, EpochCompleted, SeedGerminated

bars, out, options = sys.argv[1], sys.argv[2], eval(sys.argv[3])

def tracked(what):
    if bars in ("tqdm", "nested"):
        from tqdm import tqdm
        return tqdm(what, desc="outer")
    if bars == "rich":
        from rich.console import Console
        from rich.progress import track
        return track(what, console=Console(stderr=True), description="outer")
    return what

def batches(what):
    if bars == "nested":
        from tqdm import tqdm
        return tqdm(what, desc="inner", position=1, leave=False)
    return what

with Telemetry("live", out=out, **options) as telemetry:
    env = telemetry.scope(group="ppo", env=0, episode=0)
    for epoch in tracked(range(12)):
        env.move(epoch=epoch)
        env.emit(SeedGerminated(slot="early", seed=f"s{epoch}", blueprint="norm", params=3))
        for batch in batches(range(4)):
            time.sleep(0.02)
            env.emit(BatchCompleted(batch=batch, loss=1.0))
        env.emit(EpochCompleted(val_loss=0.5, val_accuracy=float("nan") if epoch == 7 else 50.0))
        if bars == "print":
            # In one write: where PYTHONUNBUFFERED is set, a print is as many as it has words.
            sys.stdout.write(f"trainer says {epoch} <\\n")
    telemetry.flush(60)
print("trainer is done")
"""


def trained(bars: str, out: Path, **options: object) -> PseudoTerminal:
    return PseudoTerminal(script(TRAINER, bars, out / "run", options))


@pytest.mark.parametrize("collector", [None, pytest.param("process", marks=pytest.mark.deep)])
@pytest.mark.parametrize("bars", ["none", "print", "tqdm", "nested", "rich"])
def test_lines_stand_whole_among_what_the_trainer_shows_and_the_terminal_is_given_back(
    bars: str, collector: str | None, tmp_path: Path
) -> None:
    terminal = trained(bars, tmp_path, collector=collector)
    lines = terminal.finish()
    assert terminal.process.returncode == 0
    germinated = [line for line in lines if "germinated" in line]
    assert [re.sub(r"^ *[\d.]+s ", "", line) for line in germinated] == [
        f"ppo env0 ep0 e{epoch}".ljust(23) + f"germinated   early: norm (s{epoch}), 3 params" for epoch in range(EPOCHS)
    ]
    assert sum("CRITICAL     non_finite (val_accuracy)" in line for line in lines) == 1
    assert sum("run ended    completed" in line for line in lines) == 1
    if bars == "print":
        assert [line for line in lines if "trainer says" in line] == [f"trainer says {n} <" for n in range(EPOCHS)]
    assert sum(line.startswith("outer") for line in lines) == (bars in {"tqdm", "nested", "rich"})
    assert not any(line.startswith("inner") for line in lines)
    # The row of the progress was there, is nowhere in what scrolled away, and belongs to the terminal again.
    assert b"nissa  " in re.sub(rb"\x1b\[[\d;]*m", b"", terminal.raw)
    assert not any(re.search(r"nissa  ?\d", line) for line in lines)
    assert (terminal.screen.margins is None) or terminal.screen.margins.bottom == terminal.screen.lines - 1
    assert "trainer is done" in lines


def test_the_progress_stands_in_the_bottom_row_while_the_run_goes_on(tmp_path: Path) -> None:
    terminal = trained("print", tmp_path)
    while "epochs  accuracy 50.0%" not in terminal.screen.display[-1]:
        assert terminal.read()
    assert re.match(r"nissa  \d+ epochs  accuracy 50\.0%  ", terminal.screen.display[-1])
    terminal.finish()


@pytest.mark.parametrize("collector", [None, "process"])
def test_without_a_terminal_it_is_silent_or_writes_a_line_for_each_epoch(collector: str | None, tmp_path: Path) -> None:
    def told(out: Path, **options: object) -> list[str]:
        command = script(TRAINER, "none", out, {"collector": collector, **options})
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()

    assert told(tmp_path / "silent") == []
    lines = told(tmp_path / "forced", console=True)
    assert sum(" epoch        " in line for line in lines) == EPOCHS
    assert sum(" germinated   " in line for line in lines) == EPOCHS
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("options", [{"console": False}, {"config": {"sinks": {"console": False}}}])
def test_who_asks_for_silence_has_it_on_a_terminal_too(options: dict[str, object], tmp_path: Path) -> None:
    assert [line for line in trained("none", tmp_path, **options).finish() if line] == ["trainer is done"]


def test_a_dumb_terminal_gets_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = script(f"import os; os.environ['TERM'] = 'dumb'\n{TRAINER}", "none", tmp_path / "run", {})
    terminal = PseudoTerminal(command)
    assert sum(" epoch        " in line for line in terminal.finish()) == EPOCHS
    assert b"\x1b" not in terminal.raw


STUCK = """
import json, os, sys, time
from nissa import Telemetry
from nissa.events import SeedGerminated

done = open(sys.argv[1], "w")
with Telemetry("stuck") as telemetry:
    env = telemetry.scope(env=0, episode=0)
    for n in range(3000):
        env.emit(SeedGerminated(slot="early", seed=f"s{n}" * 20, blueprint="norm", params=3))
        if n % 100 == 99:
            assert telemetry.flush(60)
            time.sleep(0.01)
            print(n, file=done, flush=True)
            if n == 999 and sys.argv[2] == "closed":
                while not os.path.exists(sys.argv[1] + ".go"):
                    time.sleep(0.01)
    assert telemetry.snapshot()["blueprints"][0]["germinated"] == 3000
json.dump(telemetry.state().faults, done)
"""


def test_a_terminal_that_takes_nothing_does_not_hold_the_trainer(tmp_path: Path) -> None:
    """Nobody reads it, so what fits into it is all that is ever written."""
    terminal = PseudoTerminal(script(STUCK, tmp_path / "done", "stuck"))
    assert terminal.process.wait() == 0
    assert (tmp_path / "done").read_text().splitlines()[-1] == "{}"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_terminal_that_goes_away_is_a_fault_and_the_trainer_goes_on(
    unbuffered: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stayed in the buffer of stderr would end Python with status 120."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{STUCK}"
    terminal = PseudoTerminal(script(code, tmp_path / "done", "closed"))
    until(lambda: (tmp_path / "done").exists() and "999\n" in (tmp_path / "done").read_text())
    os.close(terminal.master)
    (tmp_path / "done.go").touch()
    assert terminal.process.wait() == 0
    assert (tmp_path / "done").read_text().splitlines()[-1] == '{"console": 1}'


def test_a_run_that_is_terminated_gives_the_terminal_back(tmp_path: Path) -> None:
    waits = f"{TRAINER}\nimport time; t = Telemetry('more'); t.emit(BatchCompleted(batch=0, loss=1.0)); time.sleep(1e4)"
    terminal = PseudoTerminal(script(waits, "none", tmp_path / "run", {}))
    while "nissa  batch 0  loss 1" not in terminal.screen.display[-1]:
        assert terminal.read()
    terminal.process.send_signal(signal.SIGTERM)
    lines = terminal.finish()
    assert terminal.process.returncode == -signal.SIGTERM
    assert sum("run ended    interrupted" in line for line in lines) == 1
    assert terminal.screen.margins is None or terminal.screen.margins.bottom == terminal.screen.lines - 1


@pytest.mark.parametrize("collector", [None, "process"])
def test_what_an_earlier_life_of_the_run_told_is_not_told_again(
    collector: Literal["process"] | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for life in range(2):
        with Telemetry(out=tmp_path / "run", resume=True, collector=collector, console=True) as telemetry:
            env = telemetry.scope(env=0, episode=0, epoch=life)
            env.emit(SeedGerminated(slot="early", seed=f"s{life}", blueprint="norm", params=3))
            env.emit(epoch_completed(50.0, 3))
            telemetry.flush(60)
        told = capfd.readouterr().err
        assert f"norm (s{life})" in told
        assert "norm (s0)" not in told or life == 0


def test_a_forked_child_neither_shows_nor_takes_the_terminal(tmp_path: Path) -> None:
    code = """
import os, sys, time
from nissa import Telemetry
from nissa.events import BatchCompleted
telemetry = Telemetry("forks")
telemetry.emit(BatchCompleted(batch=0, loss=1.0)); telemetry.flush(60)
for _ in range(20):
    time.sleep(0.02)
    if not (child := os.fork()):
        print("child writes", file=sys.stderr); sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
telemetry.close()
"""
    lines = PseudoTerminal(script(code), lines=40).finish()
    assert lines.count("child writes") == 20
    assert sum("run ended" in line for line in lines) == 1


@pytest.mark.parametrize("console", ["yes", 1, 0])
def test_what_is_no_answer_is_refused(console: object) -> None:
    with pytest.raises(ValueError, match=f"console must be True, False, or None .*, not {console!r}"):
        Telemetry("x", console=console)  # type: ignore[arg-type]


def test_rich_is_not_loaded_for_a_run_that_shows_nothing() -> None:
    code = "import sys; from nissa import Telemetry; Telemetry('x').close(); sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE).returncode == 0


def test_lines_go_to_what_stands_in_the_place_of_stderr_as_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "kernel.log").open("w") as kernel:

        class Cell(io.StringIO):
            """As ipykernel's: it has the number of the kernel's own stderr."""

            def fileno(self) -> int:
                return kernel.fileno()

        monkeypatch.setattr(sys, "stderr", cell := Cell())
        with Telemetry("cell", console=True) as telemetry:
            telemetry.scope(env=0, epoch=1).emit(epoch_completed(50.0))
    assert "accuracy 50.00%" in cell.getvalue()
    assert (tmp_path / "kernel.log").read_text() == ""


def test_batches_are_counted_where_there_are_no_epochs(capfd: pytest.CaptureFixture[str]) -> None:
    with Telemetry("plain", console=True) as telemetry:
        telemetry.emit(BatchCompleted(batch=0, loss=float("inf")))
    assert "CRITICAL" in capfd.readouterr().err
