"""The courses as series of points: what a plot draws, with a name for each. What is not finite has no point."""

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import NamedTuple

from nissa.cli.monitor.courses import CompletedEpoch, Place, PlaceCourse
from nissa.cli.monitor.looks import Look
from nissa.sinks.console import without_seeds
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import place as place_text

__all__ = ["Series", "accuracies", "losses"]

_MOST = 6
"""Environments side by side: more cannot be told apart."""


class Series(NamedTuple):
    """Points with a name."""

    name: str
    at: list[float]
    values: list[float]
    by: str = "epoch of the run"
    """What `at` counts."""


def accuracies(look: Look, place: Place | None) -> list[Series]:
    """In percent: of one environment, its episode at hand and the host alone beside it, by epoch; else of each."""
    if place is None:
        return _each(look, "val_accuracy")
    course, epochs = look.courses.places[place], _episode(look.courses.places[place])
    twin = course.twin(epochs[-1].episode if epochs else course.episode)
    alone = [(n, epoch.val_accuracy) for n, epoch in sorted(twin.items())]
    grown = [(one.epoch if one.epoch is not None else one.number, one.completed.val_accuracy) for one in epochs]
    name = "validation" if without_seeds(look.tables) else "growing"
    return [*_told(name, grown), *_told("host alone", alone)]


def losses(look: Look, place: Place | None) -> list[Series]:
    """By epoch of the run, or by batch where there are none; of one environment, those of training too."""
    if place is None:
        return _each(look, "val_loss")
    course = look.courses.places[place]
    epochs = [*course.epochs]
    found = [
        *_told("validation", [(one.number, one.completed.val_loss) for one in epochs]),
        *_told("training", [(one.number, one.completed.train_loss) for one in epochs]),
    ]
    return found or _batches("batches", course)


def _each(look: Look, figure: str) -> list[Series]:
    return [series for place in look.places[:_MOST] for series in _of(look, place, figure)]


def _of(look: Look, place: Place, figure: str) -> Iterator[Series]:
    course = look.courses.places[place]
    name = shortened(printable(place_text(*place) or "all"), 20)
    found = _told(name, [(one.number, getattr(one.completed, figure)) for one in [*course.epochs]])
    yield from found or (_batches(name, course) if figure == "val_loss" else ())


def _batches(name: str, course: PlaceCourse) -> list[Series]:
    return [series._replace(by="batch of the run") for series in _told(name, [*course.batches])]


def _episode(course: PlaceCourse) -> list[CompletedEpoch]:
    """The epochs of the last episode."""
    epochs = [*course.epochs]
    return [one for one in epochs if one.episode == epochs[-1].episode]


def _told(name: str, points: Iterable[tuple[float, float | None]]) -> list[Series]:
    told = [(at, float(value)) for at, value in points if value is not None and isfinite(value)]
    return [Series(name, [float(at) for at, _ in told], [value for _, value in told])] if told else []
