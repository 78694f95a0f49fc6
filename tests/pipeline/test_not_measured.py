"""What a trainer cannot know may be left out, of any kind, alone or all at once: nothing fails, nothing says None."""

import json
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from nissa.cli.main import main
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    KINDS,
    EpisodeEnded,
    EpisodeStarted,
    HostBaselineEpoch,
    HostBaselineMeasured,
    ProbesConfigured,
    RunEnded,
    RunResumed,
    RunStarted,
)
from nissa.operators import default_operators
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.replay import replay
from nissa.sinks.console import ConsoleSink
from nissa.sinks.prometheus import PrometheusSink
from nissa.sinks.run_log import RunLog
from nissa.sinks.tables import Tables

EMITTED = [kind for kind in KINDS.values() if not kind.derived and kind.__module__.startswith("nissa.events.")]
FIRST = (RunStarted, ProbesConfigured, HostBaselineMeasured, EpisodeStarted)
LAST = (EpisodeEnded, RunEnded)
WORDS = {"from_stage": "TRAINING", "to_stage": "BLENDING", "stage": "TRAINING", "initiator": "policy"}
Made = Callable[[type[Any]], Any]


def optional(cls: type[Any], path: str = "") -> Iterator[str]:
    """The fields of a kind that may be missing, those of its parts included, as paths."""
    hints = typing.get_type_hints(cls)
    for f in fields(cls):
        here = f"{path}.{f.name}"
        if f.default is not MISSING or f.default_factory is not MISSING:
            yield here
        for inner in (hints[f.name], *typing.get_args(hints[f.name])):
            if is_dataclass(inner):
                yield from optional(typing.cast("type[Any]", inner), here)


def made(cls: type[Any], without: frozenset[str] = frozenset(), path: str = "") -> Any:
    """A payload of a kind with all its fields, but for some."""
    hints = typing.get_type_hints(cls, include_extras=True)
    paths = {f.name: f"{path}.{f.name}" for f in fields(cls)}
    return cls(**{name: value(hints[name], name, without, at) for name, at in paths.items() if at not in without})


def value(hint: Any, name: str, without: frozenset[str], path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return {int: 3, float: 0.5}[arguments[0]]
    if origin in (types.UnionType, typing.Union):
        return value(next(one for one in arguments if one is not type(None)), name, without, path)
    if origin is list:
        return [value(arguments[0], name, without, path)]
    if origin is dict:
        return {"early": value(arguments[1], name, without, path)}
    if is_dataclass(hint):
        return made(typing.cast("type[Any]", hint), without, path)
    return {str: WORDS.get(name, "early"), int: 3, bool: True, Any: 1}[hint]


def story(make: Made) -> Iterator[Event[Any]]:
    """A run of two epochs in which every kind is told."""
    twin = [(HostBaselineEpoch, epoch) for epoch in (1, 2)]
    between = [kind for kind in EMITTED if kind not in (*FIRST, *LAST, HostBaselineEpoch, RunResumed)]
    told: list[tuple[Any, int | None]] = [(kind, None) for kind in FIRST]
    told += twin + [(kind, epoch) for epoch in (1, 2) for kind in between] + [(kind, None) for kind in LAST]
    for seq, (kind, epoch) in enumerate(told):
        whole = Scope("run") if kind in (RunStarted, RunEnded) else Scope("run", "ppo", 0)
        of_episode = epoch is not None or kind in (EpisodeStarted, EpisodeEnded)
        yield Event(seq, float(seq), whole._replace(episode=0 if of_episode else None, epoch=epoch), make(kind))


def delivered(events: Iterator[Event[Any]], out: Path) -> str:
    """All that people and scrapers see of a run, as one text; its log is in `out`."""
    screen, tables, metrics = Console(file=StringIO(), width=200), Tables(), PrometheusSink()
    log, terminal, registry = RunLog(out), ConsoleSink(screen), CollectorRegistry()
    registry.register(metrics)
    consumers: dict[str, Any] = {"terminal": terminal, "tables": tables, "metrics": metrics, "log": log}
    dispatcher = Dispatcher(default_operators(), consumers, refuse)
    for event in events:
        dispatcher.deliver(event)
    terminal.close()
    log.close()
    scrape = [generate_latest(registry).decode() for _ in range(2)][-1]
    assert "nissa_scrape_errors_total 0.0" in scrape
    lines = "".join(file.read_text() for file in out.glob("events-*"))
    assert isinstance(screen.file, StringIO)
    return "\n".join((screen.file.getvalue(), json.dumps(tables.snapshot()), scrape, lines))


def refuse(owner: str, error: BaseException, event: object) -> None:
    raise AssertionError(f"{owner} on {event}") from error


def without(kind: type[Any], paths: frozenset[str]) -> Made:
    return lambda other: made(other, paths if other is kind else frozenset())


@pytest.mark.parametrize("kind", EMITTED, ids=lambda kind: kind.kind)
def test_each_field_that_may_be_missing_is_missed_by_nobody(kind: type[Any], tmp_path: Path) -> None:
    paths = list(optional(kind))
    for nth, missing in enumerate([*(frozenset({path}) for path in paths), frozenset(paths)]):
        assert "None" not in delivered(story(without(kind, missing)), tmp_path / str(nth)), missing


def test_a_run_that_tells_nothing_that_may_be_missing_is_shown_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert "None" not in delivered(story(lambda kind: made(kind, frozenset(optional(kind)))), run)
    found = replay(run)
    assert (found.reading.malformed, found.different, found.only_recorded, found.only_computed) == (0, 0, 0, 0)
    assert found.compared
    for asked in (["show"], ["show", "--epoch", "1"], ["show", "--json"], ["replay"], ["traces", "--marks"]):
        assert main([asked[0], str(run), *asked[1:]]) == 0
        assert "None" not in capsys.readouterr().out, asked
