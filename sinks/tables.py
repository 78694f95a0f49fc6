"""The latest of each summary, as plain data: what `telemetry.snapshot()` and `nissa replay --json` show."""

from dataclasses import fields
from typing import Any

from nissa.events.jsonable import plain
from nissa.events.kinds import BestRunsRanked, BlueprintSummarized, ScoreboardUpdated
from nissa.events.scope import Event

__all__ = ["Tables"]


class Tables:
    """A sink that keeps the last row of each key. Operators bound the keys, so it need not."""

    inline = True
    kinds = (BlueprintSummarized, ScoreboardUpdated, BestRunsRanked)

    def __init__(self) -> None:
        self._blueprints: dict[tuple[str, str, str], BlueprintSummarized] = {}
        self._boards: dict[tuple[str, str, int], ScoreboardUpdated] = {}
        self._best: dict[str, BestRunsRanked] = {}

    def __call__(self, event: Event[Any]) -> None:
        run, row = event.scope.run, event.payload
        if isinstance(row, BlueprintSummarized):
            self._blueprints[run, row.group or "", row.blueprint] = row
        elif isinstance(row, ScoreboardUpdated):
            self._boards[run, row.group or "", -1 if row.env is None else row.env] = row
        elif isinstance(row, BestRunsRanked):
            self._best[run] = row

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Rows in the order of their keys, best runs in the order of their ranks; None where nothing was measured."""
        return {
            "blueprints": [_row(row) for _, row in sorted(self._blueprints.items(), key=_key)],
            "scoreboards": [_row(row) for _, row in sorted(self._boards.items(), key=_key)],
            "best_runs": [_row(row) for _, ranked in sorted(self._best.items(), key=_key) for row in ranked.runs],
        }


def _key(item: tuple[Any, object]) -> Any:
    return item[0]


def _row(row: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(row, f.name)) for f in fields(row)}
