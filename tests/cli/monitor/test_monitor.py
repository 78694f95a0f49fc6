"""The monitor as a person has it: pages, keys, sizes, a run that goes on, and names that would steer a terminal."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TabbedContent

from nissa.cli.main import main
from nissa.cli.monitor.app import Monitor
from nissa.cli.monitor.looks import Look, Looks
from nissa.cli.monitor.overview import overview
from nissa.cli.monitor.plots import Plots
from nissa.cli.monitor.series import accuracies, losses
from nissa.cli.monitor.tables import PAGES
from nissa.events.kinds import BatchCompleted, EpochCompleted, SeedGerminated
from nissa.pipeline.following import FollowedRun
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import until

EVIL = "\x1b[2J\x1b]0;mine\x07[red]x[/] [@click=app.quit]y[/] \u202elast\nnext" + "w" * 300
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def finished(*paths: Path) -> list[Look]:
    """The last looks at runs that are over."""
    looks = Looks(paths)
    looks.start()
    until(lambda: all(look.state in {"ended", "recorded", "unreadable"} and not look.waiting for look in looks.current))
    looks.close()
    return looks.current


@pytest.fixture(scope="module")
def look(demo: Path) -> Look:
    """Of the demo, all of it."""
    return finished(demo)[0]


Drive = Callable[[Pilot[None]], Coroutine[Any, Any, None]]


def piloted(looks: list[Look], drive: Drive, size: tuple[int, int]) -> None:
    async def run() -> None:
        async with Monitor(lambda: looks).run_test(size=size) as pilot:
            await pilot.pause()
            await drive(pilot)

    asyncio.run(run())


def on_screen(pilot: Pilot[None]) -> list[str]:
    """The lines of the screen as they are."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def test_a_followed_run_has_the_tables_of_a_replay_to_the_last_digit(demo: Path) -> None:
    followed = FollowedRun(demo, {})
    while followed.step():
        pass
    assert followed.tables.snapshot() == replay(demo).tables.snapshot()
    assert followed.state() == "ended"
    followed.close()


def test_the_overview_says_what_the_tables_of_a_replay_say(look: Look, demo: Path) -> None:
    tables = replay(demo).tables.snapshot()
    verdict = tables["verdicts"][0]
    text = "\n".join(map(str, overview(look, None)))
    assert f"kept {verdict['kept_accuracy_mean']:.1f}%, {verdict['kept_training_delta_mean']:+.1f} points" in text
    assert f"{verdict['efficiency_ratio_mean']:.2f}x the host's accuracy per parameter" in text
    assert {"better": "✓ WIN", "worse": "✗ LOSS", "not shown": "= not shown"}[verdict["shown"]] in text
    for place in look.places:
        text = "\n".join(map(str, overview(look, place)))
        board = next(row for row in tables["scoreboards"] if row["env"] == place[1])
        assert f"{board['growth_ratio']:.2f}x host params" in text
        last = [row for row in tables["attribution"] if row["env"] == place[1]]
        at = max((row["episode"], row["epoch"]) for row in last)
        for row in (row for row in last if (row["episode"], row["epoch"]) == at):
            assert f"{row['shapley']:+.1f} ({row['shapley_low']:+.1f} to {row['shapley_high']:+.1f})" in text


def test_a_seed_has_a_star_from_ten_points_per_ten_thousand_parameters_on(look: Look) -> None:
    starred = 0
    for line in (str(line) for place in look.places for line in overview(look, place) if " params " in str(line)):
        if found := re.search(r"([+-][\d.]+) .*, ([\d,]+) params +([-\d.,]+)( ★)?", line):
            worth = float(found[3].replace(",", ""))
            assert bool(found[4]) == (worth >= 10 - 0.05)
            # The value is rounded to a tenth of a point, and so to 1,000 / params per 10,000 parameters.
            params = int(found[2].replace(",", ""))
            assert worth == pytest.approx(float(found[1]) / params * 10_000, abs=0.06 * 10_000 / params)
            starred += bool(found[4])
    assert starred


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 50)])
def test_each_page_shows_something_within_the_screen_and_the_keys_lead_to_it(look: Look, size: tuple[int, int]) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        for key, page in enumerate(PAGES, start=1):
            await pilot.press(str(key))
            await pilot.pause()
            lines = on_screen(pilot)
            assert pilot.app.query_one(TabbedContent).active == page
            assert len(lines) == size[1]
            assert look.name in lines[0]
            assert lines[-1].startswith("q quit e env r run / filter ? help")
            assert sum(bool(line) for line in lines) > 6 or page == "Scalars"
        assert not pilot.app.screen.show_vertical_scrollbar

    piloted([look], drive, size)


def test_keys_go_through_environments_and_runs_and_come_back(look: Look, tmp_path: Path) -> None:
    with Telemetry("another", out=tmp_path / "run") as telemetry:
        telemetry.scope(env="walker", episode=3, epoch=7).emit(EpochCompleted(val_loss=0.25))
    runs = [look, *finished(tmp_path / "run")]

    async def drive(pilot: Pilot[None]) -> None:
        async def head(key: str) -> str:
            await pilot.press(key)
            await pilot.pause()
            return on_screen(pilot)[0]

        assert "all of 2 envs" in on_screen(pilot)[0]
        assert "ppo env 0 episode" in await head("e")
        assert "ppo env 1 episode" in await head("e")
        assert "all of 2 envs" in await head("e")
        assert "ppo env 1 episode" in await head("E")
        assert "another [2/2]  env walker episode 3 epoch 7" in await head("r")
        assert "loss 0.25" in "\n".join(on_screen(pilot))
        assert "[1/2]" in await head("R")

    assert len(look.places) == 2
    piloted(runs, drive, (80, 24))


def test_the_run_on_the_screen_stays_while_others_come_and_go(look: Look) -> None:
    first, second, third = (replace(look, path=Path(name), name=name) for name in ("first", "second", "third"))
    looks = [first, second]

    async def drive(pilot: Pilot[None]) -> None:
        async def head(*now: Look) -> str:
            looks[:] = now
            pilot.app.look()  # type: ignore[attr-defined]
            await pilot.pause()
            return on_screen(pilot)[0]

        await pilot.press("r")
        await pilot.pause()
        assert "second [2/2]" in await head(first, second)
        assert "second [2/3]" in await head(first, second, third)
        assert "second [1/2]" in await head(second, third)
        assert "third " in await head(third)

    piloted(looks, drive, (80, 24))


def test_a_text_leaves_the_rows_in_which_it_stands(look: Look) -> None:
    names = {row["blueprint"] for row in look.rows("blueprints")}
    wanted = sorted(names)[0]

    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("3", "slash", *wanted, "enter")
        await pilot.pause()
        text = "\n".join(on_screen(pilot))
        assert f"filter: {wanted}" in text
        assert {name for name in names if name in text.partition("Is growing")[0]} == {wanted}
        await pilot.press("escape")
        await pilot.pause()
        assert all(name in "\n".join(on_screen(pilot)) for name in names)

    piloted([look], drive, (160, 50))


def test_the_screen_follows_its_size_and_help_comes_and_goes(look: Look) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        def beside() -> bool:
            return pilot.app.query_one("#side", Plots).display

        assert not beside()
        await pilot.resize_terminal(160, 50)
        await pilot.pause()
        assert beside()
        assert any("accuracy, %" in line for line in on_screen(pilot))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not beside()
        await pilot.press("question_mark")
        await pilot.pause()
        assert any("quit" in line and "│" in line for line in on_screen(pilot))
        await pilot.press("x")
        await pilot.pause()
        assert any("VERDICT" in line for line in on_screen(pilot))
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_code == 0

    piloted([look], drive, (80, 24))


def test_the_curves_are_the_logs_epochs_with_the_host_alone_beside_them(look: Look, demo: Path) -> None:
    from nissa.events.kinds import HostBaselineEpoch
    from nissa.pipeline.sources import Reading, read_log

    events = [event for event in read_log(demo, Reading()) if event.scope.env == 0]
    epochs = [event for event in events if isinstance(event.payload, EpochCompleted)]
    last = max(event.scope.episode for event in epochs if event.scope.episode is not None)
    grown, alone = accuracies(look, ("ppo", 0))
    assert grown.values == [event.payload.val_accuracy for event in epochs if event.scope.episode == last]
    twin = {e.scope.epoch: e.payload.val_accuracy for e in events if isinstance(e.payload, HostBaselineEpoch)}
    assert dict(zip(alone.at, alone.values, strict=True)) == twin
    validation, training = losses(look, ("ppo", 0))
    assert validation.values == [event.payload.val_loss for event in epochs]
    assert training.values == [event.payload.train_loss for event in epochs]


def test_a_run_is_followed_while_it_trains_from_before_its_first_event_to_its_end(tmp_path: Path) -> None:
    looks = Looks([tmp_path / "run"])

    def told(text: str) -> bool:
        return text in "".join(map(str, overview(looks.current[0], (None, 0))))

    looks.start()
    with Telemetry("goes-on", out=tmp_path / "run") as telemetry:
        for epoch in range(3):
            env = telemetry.scope(env=0, episode=0, epoch=epoch)
            env.emit(BatchCompleted(batch=epoch, loss=1.0))
            env.emit(EpochCompleted(val_accuracy=10.0 * epoch))
            telemetry.flush()
            until(partial(told, f"{10.0 * epoch:.1f}%"))
            # The courses grow within a look: its state follows.
            until(lambda: looks.current[0].state == "live")
    until(lambda: looks.current[0].outcome == "completed")
    assert looks.current[0].state == "ended"
    looks.close()
    assert {file.name for file in (tmp_path / "run").iterdir()} >= {"manifest.json"}
    assert not list((tmp_path / "run").glob("derived*")), "an onlooker writes nothing"


def test_names_that_would_steer_a_terminal_are_shown_as_text(tmp_path: Path) -> None:
    with Telemetry(f"r{EVIL}", out=tmp_path / "run") as telemetry:
        env = telemetry.scope(group=f"g{EVIL}", env=EVIL, episode=0, epoch=1)
        env.emit(SeedGerminated(slot=EVIL, seed=EVIL, blueprint=f"b{EVIL}", params=16))
        env.emit(BatchCompleted(batch=0, loss=float("nan"), seed_grad_norms={EVIL: 1.0}))
        env.emit(EpochCompleted(val_accuracy=float("nan"), val_loss=1.0))
    looks = finished(tmp_path / "run")

    async def drive(pilot: Pilot[None]) -> None:
        for key in range(1, 1 + len(PAGES)):
            await pilot.press(str(key))
            await pilot.pause()
            lines = on_screen(pilot)
            assert not any(STEERS.search(line) for line in lines)
            assert r"\x1b[2J" in lines[0]
            assert lines[-1].startswith("q quit")
            assert pilot.app.screen._compositor.size == (80, 24)
        assert pilot.app.is_running

    async def read(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await pilot.pause()
        assert any("[red]x[/] [@click=app.quit]y[/]" in line for line in on_screen(pilot))

    piloted(looks, drive, (80, 24))
    piloted(looks, read, (1_000, 50))


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "nissa.cli.main", "monitor", *map(str, words)]


@pytest.mark.parametrize("coloured", [True, False])
def test_it_runs_in_a_real_terminal_and_heeds_who_wants_no_colour(
    coloured: bool, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    if not coloured:
        monkeypatch.setenv("NO_COLOR", "1")
    terminal = PseudoTerminal(command(demo), columns=80, lines=24)
    while not any("EFFICIENCY" in line for line in terminal.screen.display):
        assert terminal.read()
    os.write(terminal.master, b"q")
    terminal.finish()
    assert terminal.process.returncode == 0
    colours = {tuple(map(int, found)) for found in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", terminal.raw)}
    assert any(len({*colour}) > 1 for colour in colours) == coloured


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{run}"], "nissa monitor: this is no terminal: use `nissa replay {run}`, or `nissa brief {run}`\n"),
        (["nowhere/run"], "nissa monitor: there is no nowhere: give the directory of a run\n"),
    ],
)
def test_what_cannot_be_shown_is_told_in_a_line(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Telemetry("r", out=tmp_path / "run").close()
    asked = [word.format(run=tmp_path / "run") for word in words]
    assert main(["monitor", *asked]) == 2
    assert capsys.readouterr().err == told.format(run=tmp_path / "run")


def test_what_is_no_run_says_so_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    (look,) = finished(tmp_path / "notes.txt")
    assert look.state == "unreadable"
    assert "no line of it is an event" in look.problem


def test_a_single_file_of_a_run_is_read_once(demo: Path, look: Look) -> None:
    (segment, *_) = sorted(demo.glob("events-*.jsonl"))
    (read,) = finished(segment)
    assert read.state == "recorded"
    assert read.tables["blueprints"] == look.tables["blueprints"]


def test_torch_is_not_loaded() -> None:
    code = "import sys, nissa.cli.main, nissa.cli.monitor.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_textual_is_loaded_by_those_who_look_alone() -> None:
    code = "import sys, nissa.cli.main; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
