"""The latest of each summary, as plain data: what `telemetry.snapshot()` and `nissa replay --json` show."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields
from math import isnan
from typing import Any, TypeVar

from nissa.events.event import Event, natural_order
from nissa.events.json_encoding import plain
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    AnalyticsUpdated,
    BestRunsRanked,
    BlueprintSummarized,
    DecisionExplained,
    DecisionJudged,
    DenseTraceCaptured,
    EpisodeCompared,
    EpochAssessed,
    FeaturesComputed,
    FidelityChanged,
    OverheadGoverned,
    ProbesConfigured,
    RanksCompared,
    ScalarsLogged,
    ScoreboardUpdated,
    SeedsAttributed,
    TrendChanged,
    VerdictReached,
)
from nissa.sinks.tables.alert_rows import AlertRows
from nissa.sinks.tables.layer_rows import KINDS, Last, layer_rows, remember
from nissa.sinks.tables.scalar_rows import ScalarRows

__all__ = ["LIMIT", "Tables"]

LIMIT = 10_000
"""Rows of one table; of the table of layers, environments."""

V = TypeVar("V")
Key = tuple[Any, ...]
Row = dict[str, Any]


def _place(event: Event[Any]) -> Key:
    return event.scope[:3]


def _told(event: Event[Any]) -> Key:
    """Where a row is of that says so itself."""
    return event.scope.run, event.payload.group, event.payload.env


_KEYS: dict[type, Callable[[Event[Any]], Key]] = {
    BlueprintSummarized: lambda event: (event.scope.run, event.payload.group, event.payload.blueprint),
    ScoreboardUpdated: _told,
    BestRunsRanked: lambda event: (event.scope.run,),
    EpisodeCompared: lambda event: (*_told(event), event.payload.episode),
    VerdictReached: lambda event: (event.scope.run, event.payload.group),
    EpochAssessed: _place,
    FeaturesComputed: _place,
    ProbesConfigured: _place,
    TrendChanged: _told,
    FidelityChanged: lambda event: (event.scope.run,),
    OverheadGoverned: lambda event: (event.scope.run,),
    RanksCompared: _told,
    SeedsAttributed: lambda event: event.scope,
    AnalyticsUpdated: _told,
    DecisionExplained: _place,
    DecisionJudged: _place,
}
"""What has one row each, by the kind of event that the row is."""


class Tables:
    """A sink that keeps the last row of each key; of too many, the one set longest ago goes."""

    inline = True
    kinds = tuple(dict.fromkeys((*_KEYS, *KINDS, AlertRaised, AlertResolved, DenseTraceCaptured, ScalarsLogged)))

    def __init__(self) -> None:
        self._last: dict[type, dict[Key, Event[Any]]] = {kind: {} for kind in _KEYS}
        self._layers: dict[Key, Last] = {}
        self._alerts, self._traces = AlertRows(LIMIT), deque[Row](maxlen=LIMIT)
        self._scalars = ScalarRows(LIMIT)

    def __call__(self, event: Event[Any]) -> None:
        kind = type(event.payload)
        if kind in _KEYS:
            _keep(self._last[kind], _KEYS[kind](event), event)
        if kind in KINDS:
            last = self._layers.get(_place(event), {})
            remember(last, event)
            _keep(self._layers, _place(event), last)
        if kind is DenseTraceCaptured:
            self._traces.append(_trace_row(event))
        if kind is ScalarsLogged:
            self._scalars(event)
        self._alerts(event)

    def snapshot(self) -> dict[str, list[Row]]:
        """Rows in the order of their keys, best runs in that of their ranks, alerts as they came; the blueprints of a
        group by their net gain, the best first, and those without one last.

        None where nothing was measured.
        """
        return {
            "verdicts": [_row(event, event.payload) for event in self._sorted(VerdictReached)],
            "episodes": [_row(event, event.payload) for event in self._sorted(EpisodeCompared)],
            "blueprints": [_row(event, event.payload) for event in self._blueprints()],
            "scoreboards": [_row(event, event.payload) for event in self._sorted(ScoreboardUpdated)],
            "best_runs": [_row(event, run) for event in self._sorted(BestRunsRanked) for run in event.payload.runs],
            "attribution": [row for event in self._sorted(SeedsAttributed) for row in _seed_rows(event)],
            "interactions": [row for event in self._sorted(SeedsAttributed) for row in _pair_rows(event)],
            "analytics": [_row(event, event.payload) for event in self._sorted(AnalyticsUpdated)],
            "trends": [_where(event) | _row(event, event.payload) for event in self._sorted(TrendChanged)],
            "assessments": [_where(event) | _row(event, event.payload) for event in self._sorted(EpochAssessed)],
            "decisions": [_where(event) | _row(event, event.payload) for event in self._sorted(DecisionExplained)],
            "hindsight": [_where(event) | _row(event, event.payload) for event in self._sorted(DecisionJudged)],
            "features": [_where(event) | self._features(event) for event in self._sorted(FeaturesComputed)],
            "layers": [row for _, last in sorted(self._layers.items(), key=_key) for row in _layer_rows(last.copy())],
            "fidelity": [_row(event, event.payload) for event in self._sorted(FidelityChanged)],
            "overhead": [_row(event, event.payload) for event in self._sorted(OverheadGoverned)],
            "ranks": [row for event in self._sorted(RanksCompared) for row in _rank_rows(event)],
            "scalars": list(self._scalars.snapshot()),
            "alerts": self._alerts.snapshot(),
            "traces": list(self._traces),
        }

    def _sorted(self, kind: type) -> list[Event[Any]]:
        return [event for _, event in sorted(self._last[kind].items(), key=_key)]

    def _blueprints(self) -> list[Event[BlueprintSummarized]]:
        return sorted(self._sorted(BlueprintSummarized), key=_by_gain)

    def _features(self, event: Event[FeaturesComputed]) -> Row:
        """Values by group and name; by number, where no configuration named as many."""
        values, probes = iter(event.payload.values), self._last[ProbesConfigured].get(_place(event))
        groups: dict[str, list[str]] = probes.payload.features if probes else {}
        if sum(map(len, groups.values())) != len(event.payload.values):
            groups = {"unnamed": [str(place) for place in range(len(event.payload.values))]}
        named = {group: {name: plain(next(values)) for name in names} for group, names in groups.items()}
        return {"missing": event.payload.missing, "features": named}


def _keep(rows: dict[Key, V], key: Key, row: V) -> None:
    rows.pop(key, None)
    rows[key] = row
    if len(rows) > LIMIT:
        del rows[next(iter(rows))]


def _by_gain(event: Event[BlueprintSummarized]) -> Key:
    """By group, and in it by net gain, downwards; what is missing or broken comes last."""
    gain, place = event.payload.net_gain_mean, (event.scope.run, natural_order(event.payload.group))
    return (*place, 1, 0.0) if gain is None or isnan(gain) else (*place, 0, -gain)


def _key(item: tuple[Key, object]) -> Key:
    return tuple(map(natural_order, item[0]))


def _row(event: Event[Any], row: Any) -> Row:
    return {"run": event.scope.run} | {f.name: plain(getattr(row, f.name)) for f in fields(row)}


def _where(event: Event[Any]) -> Row:
    return event.scope._asdict()


def _seed_rows(event: Event[SeedsAttributed]) -> Iterator[Row]:
    for seed in event.payload.seeds:
        yield _where(event) | _row(event, seed)


def _pair_rows(event: Event[SeedsAttributed]) -> Iterator[Row]:
    for pair in event.payload.interactions:
        row = _where(event) | _row(event, pair)
        yield row | {"value": row.pop("interaction")}


def _rank_rows(event: Event[RanksCompared]) -> Iterator[Row]:
    told = event.payload
    at = {name: getattr(told, name) for name in ("group", "env", "episode", "epoch", "batch")}
    for rank in told.ranks:
        yield {"run": event.scope.run} | at | _row(event, rank)


def _layer_rows(last: Last) -> Iterator[Row]:
    scope = next(iter(last.values())).scope
    for row in layer_rows(last):
        yield {"run": scope.run, "group": scope.group, "env": scope.env} | {name: plain(row[name]) for name in row}


def _trace_row(event: Event[DenseTraceCaptured]) -> Row:
    """The numbers of a trace's batches, without the batches."""
    trace = event.payload
    names = ("group", "env", "episode", "reasons", "first_epoch", "last_epoch")
    row = {name: getattr(trace, name) for name in names}
    sizes = {"batches_before": len(trace.batches_before), "batches_after": len(trace.batches_after)}
    return {"run": event.scope.run} | row | sizes | {"closed": trace.closed}
