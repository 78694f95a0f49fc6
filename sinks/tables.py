"""The latest of each summary, as plain data: what `telemetry.snapshot()` and `nissa replay --json` show."""

from dataclasses import fields
from typing import Any, TypeVar

from nissa.events.jsonable import plain
from nissa.events.kinds import (
    BestRunsRanked,
    BlueprintSummarized,
    DenseTraceCaptured,
    FidelityChanged,
    ScoreboardUpdated,
)
from nissa.events.scope import Event
from nissa.sinks.trace_rows import TraceRows

__all__ = ["LIMIT", "Tables"]

LIMIT = 10_000
"""Rows of one table."""

R = TypeVar("R")
Rows = dict[tuple[Any, ...], R]


class Tables:
    """A sink that keeps the last row of each key; of too many, the one set longest ago goes."""

    inline = True
    kinds = (BlueprintSummarized, ScoreboardUpdated, BestRunsRanked, FidelityChanged, DenseTraceCaptured)

    def __init__(self) -> None:
        self._blueprints: Rows[BlueprintSummarized] = {}
        self._boards: Rows[ScoreboardUpdated] = {}
        self._best: Rows[BestRunsRanked] = {}
        self._fidelity: Rows[FidelityChanged] = {}
        self._traces = TraceRows(LIMIT)

    def __call__(self, event: Event[Any]) -> None:
        run, row = event.scope.run, event.payload
        if isinstance(row, BlueprintSummarized):
            _keep(self._blueprints, (run, str(row.group or ""), row.blueprint), row)
        elif isinstance(row, ScoreboardUpdated):
            _keep(self._boards, (run, str(row.group or ""), -1 if row.env is None else row.env), row)
        elif isinstance(row, BestRunsRanked):
            _keep(self._best, (run,), row)
        elif isinstance(row, FidelityChanged):
            _keep(self._fidelity, (run,), row)
        elif isinstance(row, DenseTraceCaptured):
            self._traces.add(event)

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Rows in the order of their keys, best runs in the order of their ranks; None where nothing was measured."""
        best = [(key, run) for key, ranked in sorted(self._best.items(), key=_key) for run in ranked.runs]
        return {
            "blueprints": [_row(*item) for item in sorted(self._blueprints.items(), key=_key)],
            "scoreboards": [_row(*item) for item in sorted(self._boards.items(), key=_key)],
            "best_runs": [_row(*item) for item in best],
            "fidelity": [_row(*item) for item in sorted(self._fidelity.items(), key=_key)],
            "traces": self._traces.rows(),
        }


def _keep(rows: "Rows[R]", key: tuple[Any, ...], row: R) -> None:
    rows.pop(key, None)
    rows[key] = row
    if len(rows) > LIMIT:
        del rows[next(iter(rows))]


def _key(item: tuple[Any, object]) -> Any:
    return item[0]


def _row(key: tuple[Any, ...], row: Any) -> dict[str, Any]:
    return {"run": key[0]} | {f.name: plain(getattr(row, f.name)) for f in fields(row)}
