"""Pages in a real Chromium: nothing goes wrong, nobody is asked, names are text, and keys do what they say."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.telemetry import Telemetry
from tests.chromium import Page, chromium
from tests.cli.runs.report.test_report import HOSTILE, hostile, reported
from tests.cli.runs.report.test_ui import served


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Page]]:
    with chromium(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_a_report_is_drawn_without_a_complaint_and_asks_nobody(
    pages: Callable[[], Page], demo: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    reported(tmp_path / "report.html", demo)
    page = pages()
    page.open(f"file://{tmp_path}/report.html", width=width, dark=dark)
    assert page.run("document.documentElement.scrollWidth <= innerWidth"), "it is as wide as the window"
    page.run("cards.forEach((card) => card.draw())")
    assert page.run("[...cards.values()].every((card) => card.root.querySelector('canvas'))")
    assert page.problems == []
    assert page.asked == [f"file://{tmp_path}/report.html"]


def test_a_hostile_name_does_nothing_and_is_shown(pages: Callable[[], Page], tmp_path: Path) -> None:
    reported(tmp_path / "report.html", hostile(tmp_path / "run", HOSTILE))
    page = pages()
    page.open(f"file://{tmp_path}/report.html")
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.run("window.hit === undefined && document.querySelectorAll('main img, main script').length === 0")
    assert "<script>window.hit=1" in page.run("document.querySelector('#runs').textContent")
    assert "<script>window.hit=1" in page.run("document.querySelector('#places').textContent")
    assert page.problems == []


def test_keys_zoom_and_places_are_switched(pages: Callable[[], Page], demo: Path, tmp_path: Path) -> None:
    reported(tmp_path / "report.html", demo)
    page = pages()
    page.open(f"file://{tmp_path}/report.html")
    page.run("window.card = [...cards.values()].find((card) => card.plot && card.chart.name === 'val_accuracy')")
    wide = "card.plot.scales.x.max - card.plot.scales.x.min"
    before = page.run(wide)
    page.run("card.press(new KeyboardEvent('keydown', { key: '+' }))")
    page.wait(f"{wide} < {before}")
    page.run("card.press(new KeyboardEvent('keydown', { key: '0' }))")
    page.wait(f"{wide} === {before}")
    lines = page.run("card.chart.lines.length")
    page.run("document.querySelector('#places button').click()")
    assert page.run("card.chart.lines.length") < lines
    page.run("byId('smooth').value = 0.9; byId('smooth').dispatchEvent(new Event('input'))")
    assert page.run("card.plot.series.length - 1 === 2 * card.chart.lines.length"), (
        "what is smoothed stands over the rest"
    )
    assert page.problems == []


def test_a_live_page_shows_what_comes_and_asks_its_own_server_alone(pages: Callable[[], Page], tmp_path: Path) -> None:
    with served(tmp_path) as server, Telemetry("live", out=tmp_path / "live") as telemetry:
        telemetry.emit(BatchCompleted(batch=0, loss=1.5))
        telemetry.flush()
        page = pages()
        page.open(server.url)
        telemetry.emit(BatchCompleted(batch=1, loss=2.5))
        telemetry.flush()
        page.wait("document.querySelector('.readout').textContent.includes('2.5')")
        assert {address.partition("?")[0] for address in page.asked} <= {server.url, f"{server.url}data"}
        assert page.problems == []
        page.call("Page.navigate", url="about:blank")


def test_lines_that_had_no_room_are_told(
    pages: Callable[[], Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nissa.cli.runs.report.taking.curves._LINES", 1)
    reported(tmp_path / "report.html", hostile(tmp_path / "run", "run"))
    page = pages()
    page.open(f"file://{tmp_path / 'report.html'}")
    assert "val_accuracy (1 points)" in page.run("document.getElementById('charts-note').textContent")
