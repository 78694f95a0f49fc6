"""A trial: which promise it tries, how often, and what came of it."""

import random
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Outcome", "Round", "Trial", "again", "once"]

Round = Callable[[Path, random.Random], float | None]
"""One try in a directory of its own. Returns a figure, of which the largest is shown; raises AssertionError."""


class Outcome(NamedTuple):
    """What came of a trial."""

    times: int
    wrong: list[str]
    """What did not hold, each in its own words."""
    figure: str


class Trial(NamedTuple):
    """How often in the daily tests, by `make faults`, and with `--long`: `run` is given that number."""

    promise: int
    name: str
    run: Callable[[int, random.Random], Outcome]
    daily: int
    usual: int
    long: int


def again(one: Round, figure: str = "") -> Callable[[int, random.Random], Outcome]:
    """A trial of so many rounds; `figure` shows the largest of what they return."""

    def run(times: int, chance: random.Random) -> Outcome:
        tried = [_tried(lambda out: one(out, chance)) for _ in range(times)]
        figures = [found for _, found in tried if found is not None]
        return Outcome(times, [what for what, _ in tried if what], figure.format(max(figures)) if figures else "")

    return run


def once(load: Callable[[int, Path], str]) -> Callable[[int, random.Random], Outcome]:
    """A trial of one round with so many events, or runs; it says its figure itself."""

    def run(times: int, _: random.Random) -> Outcome:
        said: list[str] = []
        wrong = _tried(lambda out: said.append(load(times, out)))[0]
        return Outcome(times, [wrong] if wrong else [], "".join(said))

    return run


def _tried(one: Callable[[Path], float | None]) -> tuple[str, float | None]:
    """What was wrong, and the figure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        try:
            return "", one(Path(directory) / "run")
        except Exception:  # noqa: BLE001  # whatever a trial ends by, the next one begins
            return traceback.format_exc(), None
