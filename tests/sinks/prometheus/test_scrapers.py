"""The end of a run waits for the next scrape of each who scrapes, if it is due, and for nobody else."""

import threading
from collections.abc import Iterator, Sequence
from email.message import Message
from functools import partial
from itertools import count
from typing import Any, NamedTuple, Self
from urllib.request import Request, urlopen

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nissa.pipeline.telemetry import LINGER, Telemetry
from nissa.sinks.prometheus import scrapers
from nissa.sinks.prometheus.scrapers import MAX_SCRAPERS, SLACK, TIMEOUT_HEADER, ScrapeTimes
from tests.waiting import LIMIT as PATIENCE
from tests.waiting import until

LIMIT = 20.0


class Scraper(NamedTuple):
    """Somebody who comes at `first`, and then every `interval` seconds."""

    first: float
    interval: float = 15.0
    host: str = "10.0.0.1"
    agent: str = "Prometheus/2.42.0"
    timeout: float | None = 10.0
    missed: frozenset[int] = frozenset()

    def times(self) -> Iterator[float]:
        return (self.first + n * self.interval for n in count() if n not in self.missed)

    def after(self, moment: float) -> float:
        return next(time for time in self.times() if time >= moment)


class World:
    """Time that passes only while somebody waits, and scrapers that come when it is their time."""

    def __init__(self, scrapers: Sequence[Scraper]) -> None:
        self.now = 0.0
        self.times = ScrapeTimes(lambda: self.now)
        self.times._answered = self  # type: ignore[assignment]
        self._coming = [(scraper, scraper.times()) for scraper in scrapers]
        self._next = [next(times) for _, times in self._coming]

    def wait(self, timeout: float) -> bool:
        """As a condition does: until the next scrape, or False once the time is over."""
        until = self.now + timeout
        if not self._next or min(self._next) > until:
            self.now = until
            return False
        self._scrape()
        return True

    def live(self, until: float) -> None:
        while self._next and min(self._next) < until:
            self._scrape()
        self.now = until

    def leave(self) -> None:
        """Nobody comes any more."""
        self._next = []

    def _scrape(self) -> None:
        turn = self._next.index(min(self._next))
        scraper, times = self._coming[turn]
        self.now, self._next[turn] = self._next[turn], next(times)
        headers = Message()
        headers["User-Agent"] = scraper.agent
        if scraper.timeout is not None:
            headers[TIMEOUT_HEADER] = str(scraper.timeout)
        self.times.note(scraper.host, headers, self.now)

    def notify_all(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def waited(scrapers: Sequence[Scraper], end: float) -> float:
    """When the wait of a run that ends then is over."""
    world = World(scrapers)
    world.live(end)
    world.times.wait(LIMIT)
    return world.now


@pytest.mark.parametrize(
    ("scrapers", "end", "over", "reason"),
    [
        ([], 80.0, 80.0, "nobody scrapes"),
        ([Scraper(3.0)], 80.0, 93.0, "one Prometheus: its next scrape"),
        ([Scraper(3.0)], 10.0, 18.0, "one that came once: its next scrape too"),
        ([Scraper(3.0, 60.0)], 10.0, 30.0, "one that came once and is slow: no longer than the limit"),
        ([Scraper(3.0, 60.0)], 190.0, 190.0, "a slow one that is not due in time"),
        ([Scraper(3.0, 60.0)], 230.0, 243.0, "a slow one that is due"),
        ([Scraper(3.0), Scraper(9.0, host="10.0.0.2")], 70.0, 84.0, "replicas on two hosts: both"),
        ([Scraper(3.0), Scraper(9.0)], 70.0, 78.0, "replicas on one host: the next scrape of any"),
        ([Scraper(3.0), Scraper(4.0)], 5.0, 18.0, "replicas on one host that came once each: the same"),
        ([Scraper(3.0, missed=frozenset([3, 4]))], 80.0, 93.0, "one that missed two scrapes lately"),
        ([Scraper(3.0), Scraper(0.5, 2.0, timeout=None)], 80.0, 93.0, "a probe beside it counts for nothing"),
        ([Scraper(0.5, 2.0, timeout=None)], 80.0, 80.0, "a probe alone counts for nothing"),
        ([Scraper(3.0), Scraper(1.0, 5.0, agent="vmagent", timeout=5.0)], 82.0, 93.0, "two kinds of scrapers: both"),
        ([Scraper(n, host=f"10.0.0.{n}") for n in range(15)], 80.0, 94.0, "many"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_wait_is_over_when_the_last_who_is_due_has_come(
    scrapers: list[Scraper], end: float, over: float, reason: str
) -> None:
    assert waited(scrapers, end) == over, reason


INTERVALS = st.sampled_from([5.0, 10.0, 15.0])


@given(INTERVALS, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=5), st.floats(0, 200))
@example(15.0, [(0.0, 0), (0.99, 0)], 14.9)
def test_of_each_address_one_sees_the_end(interval: float, places: list[tuple[float, int]], end: float) -> None:
    hosts: dict[int, list[Scraper]] = {}
    for phase, host in places:
        hosts.setdefault(host, []).append(Scraper(phase * interval * 0.999, interval, host=f"10.0.0.{host}"))
    assume(all(one.first < end for replicas in hosts.values() for one in replicas))
    assume(all(len(replicas) <= 3 for replicas in hosts.values()))
    over = waited([one for replicas in hosts.values() for one in replicas], end)
    assert over <= end + LIMIT
    assert all(over >= min(one.after(end) for one in replicas) for replicas in hosts.values())


@given(INTERVALS, st.floats(0, 200), st.sets(st.integers(0, 30), max_size=2))
def test_one_alone_sees_the_end_whatever_it_missed_before(interval: float, end: float, missed: set[int]) -> None:
    came = frozenset(n for n in missed if n * interval < end - interval)
    scraper = Scraper(0.0, interval, missed=came)
    assume(next(scraper.times()) < end)
    assert waited([scraper], end) == scraper.after(end)


@pytest.mark.parametrize(("gone", "over"), [(93.0 + SLACK - 0.5, 93.0 + SLACK), (93.0 + SLACK + 0.5, None)])
def test_who_is_overdue_comes_no_more(gone: float, over: float | None) -> None:
    """The last scrape was at 78, so the next was due at 93."""
    world = World([Scraper(3.0)])
    world.live(80.0)
    world.leave()
    world.now = gone
    assert world.times.wait(LIMIT) == (over is None)
    assert world.now == (over or gone)


def test_a_scrape_that_began_before_the_end_has_not_seen_it() -> None:
    world = World([Scraper(0.0)])
    world.live(44.0)
    began = world._next.pop()
    world._next.append(60.0)
    world.now = 45.5
    later = iter([began])

    def answered(timeout: float) -> bool:
        headers = Message()
        headers["User-Agent"], headers[TIMEOUT_HEADER] = "Prometheus/2.42.0", "10"
        for moment in later:
            world.times.note("10.0.0.1", headers, moment)
            return True
        return World.wait(world, timeout)

    world.wait = answered  # type: ignore[method-assign]
    assert world.times.wait(LIMIT)
    assert world.now == 60.0


def test_more_scrapers_than_anybody_has_cost_no_memory() -> None:
    world = World([Scraper(n / 100, host=f"10.0.1.{n}") for n in range(3 * MAX_SCRAPERS)])
    world.live(100.0)
    last = [f"10.0.1.{n}" for n in range(2 * MAX_SCRAPERS, 3 * MAX_SCRAPERS)]
    assert [address for address, _ in world.times._began] == last


@pytest.mark.parametrize("timeout", ["", "soon", "nan", "-1", "0", "inf"])
def test_who_says_no_time_is_no_prometheus(timeout: str) -> None:
    headers = Message()
    headers[TIMEOUT_HEADER] = timeout
    times = ScrapeTimes()
    times.note("10.0.0.1", headers, 0.0)
    assert not times._began


HOUR = 3600.0
ENDED = b'nissa_run_ended_timestamp_seconds{outcome="completed",run="brief"}'


class Served:
    """A run whose /metrics has a clock of its own, on which hours pass from scrape to scrape."""

    def __init__(self) -> None:
        self.now = 0.0
        self._telemetry = Telemetry("brief", metrics=("127.0.0.1", 0), linger=3 * HOUR)
        assert self._telemetry._server
        self._telemetry._server.scrapes.clock = lambda: self.now
        self._closing = threading.Thread(target=self._telemetry.close)
        self.close = self._closing.start

    def page(self, **headers: str) -> bytes:
        """What somebody sees who is no Prometheus."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with urlopen(Request(str(self._telemetry.metrics_url), headers=named), timeout=PATIENCE) as page:
            return bytes(page.read())

    def scrape(self, hour: float, agent: str, interval: float) -> bytes:
        """What a Prometheus sees that comes every `interval` hours."""
        self.now = hour * HOUR
        return self.page(User_Agent=agent, X_Prometheus_Scrape_Timeout_Seconds=str(interval * HOUR))

    def is_over(self, within: float = PATIENCE) -> bool:
        """Whether it waits for nobody any more."""
        self._closing.join(within)
        return not self._closing.is_alive()


def test_over_http_all_who_scrape_are_told_of_the_end_and_a_probe_beside_them_is_not_waited_for() -> None:
    served = Served()
    for hour in range(5):
        served.scrape(hour, "one", 1)
        if hour % 2 == 0:
            served.scrape(hour, "two", 2)
        served.page()
    served.now = 4.5 * HOUR
    served.close()
    until(lambda: ENDED in served.page())
    assert ENDED in served.scrape(5, "one", 1)
    # Too short a time for a slow machine would let a fault pass, but make none.
    assert not served.is_over(within=0.5)
    assert ENDED in served.scrape(6, "two", 2)
    assert served.is_over()


def test_a_probe_alone_is_not_waited_for() -> None:
    served = Served()
    for hour in range(5):
        served.now = hour * HOUR
        served.page()
    served.now = 4.5 * HOUR
    served.close()
    assert served.is_over()


def test_a_real_prometheus_sees_the_end(prometheus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine a scrape may be late by more than a second.
    monkeypatch.setattr(scrapers, "SLACK", LINGER)
    telemetry = Telemetry("ends", metrics=("127.0.0.1", 0))
    instance = prometheus.scrape(str(telemetry.metrics_url))
    telemetry.close()
    told = f'last_over_time(nissa_run_ended_timestamp_seconds{{instance="{instance}"}}[5m])'
    prometheus.wait(partial(prometheus.query, told))
