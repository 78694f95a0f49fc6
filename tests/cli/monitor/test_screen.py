"""The screen over a small run: titles of curves, keys in the help, and a text that is looked for."""

import asyncio
from pathlib import Path

import pytest
from textual_plotext import PlotextPlot

from nissa.cli.monitor.app import Monitor
from nissa.cli.monitor.courses import Courses
from nissa.cli.monitor.looks import Look
from nissa.cli.monitor.tables import PAGES
from nissa.events.event import Event, Scope
from nissa.events.kind import Payload
from nissa.events.kinds import BatchCompleted, EpochCompleted, PolicyUpdated


def look(*told: Payload) -> Look:
    courses = Courses()
    for seq, payload in enumerate(told):
        courses(Event(seq, float(seq), Scope("r", None, 0, 0, 1), payload))
    return Look(Path("r"), "r", courses=courses)


@pytest.mark.parametrize(
    ("told", "by"), [(BatchCompleted(batch=0, loss=1.0), "batch"), (EpochCompleted(val_loss=1.0), "epoch")]
)
def test_the_curve_of_losses_says_what_it_counts(told: Payload, by: str) -> None:
    async def title() -> str:
        async with Monitor(lambda: [look(told)]).run_test() as pilot:
            await pilot.press("2")
            await pilot.pause()
            return str(pilot.app.query_one("#Curves .losses", PlotextPlot).plt.build())

    assert f"loss, by {by} of the run" in asyncio.run(title())


@pytest.mark.parametrize("key", ["q", "x", "2", "escape"])
def test_any_key_leaves_the_help_and_does_nothing_else(key: str) -> None:
    async def stays() -> None:
        app = Monitor(lambda: [look()])
        async with app.run_test() as pilot:
            await pilot.press("question_mark")
            await pilot.pause()
            assert len(app.screen_stack) == 2
            await pilot.press(key)
            await pilot.pause()
            assert len(app.screen_stack) == 1
            assert app.is_running
            assert app.return_code is None

    asyncio.run(stays())


@pytest.mark.parametrize("text", ["KL", "approx kl", "approx_kl", "Approx"])
def test_a_figure_is_found_as_it_is_shown_and_as_it_is_named(text: str) -> None:
    draw, _ = PAGES["Policy"]
    told = PolicyUpdated(update=1, approx_kl=0.25, entropy=0.5)
    _, table, *_ = draw(look(told), None, text, 80)
    assert [str(cell) for cell in table.columns[0].cells] == ["approx kl"]  # type: ignore[union-attr]
