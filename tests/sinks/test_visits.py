"""The end of a run waits for the scrape that sees it, if one is due, and for nobody else."""

import threading
import time
from contextlib import ExitStack
from urllib.request import urlopen

import pytest

from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.visits import SLACK, Visits

LIMIT = 20.0


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def visited(clock: Clock, *times: float) -> Visits:
    visits = Visits(clock)
    for clock.now in times:
        visit(visits)
    return visits


def visit(visits: Visits) -> None:
    with visits.one():
        pass


@pytest.mark.parametrize(
    ("times", "now", "reason"),
    [
        ((), 0.0, "nobody ever scraped"),
        ((0.0,), 1.0, "one look by hand is no interval"),
        ((0.0, 60.0), 61.0, "the next one is due after the limit"),
        ((0.0, 15.0), 30.0 + SLACK + 0.1, "the next one is overdue: nobody scrapes any more"),
    ],
)
def test_nobody_is_waited_for_who_is_not_due(clock: Clock, times: tuple[float, ...], now: float, reason: str) -> None:
    visits = visited(clock, *times)
    clock.now = now
    started = time.monotonic()
    assert not visits.wait(LIMIT), reason
    assert time.monotonic() - started < 0.5, reason


@pytest.mark.parametrize(
    ("times", "now"),
    [
        ((0.0, 15.0, 30.0), 31.0),
        ((0.0, 15.0), 30.0 + SLACK / 2),
        ((0.0, 60.0), 110.0),
        ((0.0, 3.0, 15.0, 18.0), 24.0),
    ],
    ids=["soon", "a bit late", "long intervals, at their end", "two that scrape in turn"],
)
def test_a_scrape_that_is_due_is_waited_for(clock: Clock, times: tuple[float, ...], now: float) -> None:
    visits = visited(clock, *times)
    clock.now = now
    later = threading.Timer(0.1, visit, (visits,))
    later.start()
    assert visits.wait(LIMIT)
    later.join()


def test_a_scrape_that_began_before_the_end_has_not_seen_it(clock: Clock) -> None:
    visits, under_way = visited(clock, 0.0, 0.25), ExitStack()
    clock.now = 0.375
    under_way.enter_context(visits.one())
    clock.now = 0.5
    answer = threading.Timer(0.1, under_way.close)
    answer.start()
    assert not visits.wait(LIMIT), "it waited for the next one, which did not come"
    answer.join()


def test_prometheus_is_told_of_the_end_before_the_port_is_given_back() -> None:
    """Somebody scrapes ten times a second; what the last scrape said is the end of the run."""
    telemetry = Telemetry("brief", metrics=("127.0.0.1", 0))
    pages, url = list[bytes](), str(telemetry.metrics_url)

    def scrape() -> None:
        while True:
            try:
                with urlopen(url, timeout=5) as page:
                    pages.append(page.read())
            except OSError:
                return
            time.sleep(0.1)

    scraper = threading.Thread(target=scrape)
    scraper.start()
    while len(pages) < 3:
        time.sleep(0.01)
    telemetry.close()
    scraper.join()
    assert b'nissa_run_ended_timestamp_seconds{outcome="completed",run="brief"}' in pages[-1]
