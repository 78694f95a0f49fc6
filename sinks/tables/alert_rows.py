"""Every alert of a run as a row, with its end: what was raised, where, and what became of it."""

from typing import Any

from nissa.events.event import Event
from nissa.events.json_encoding import plain
from nissa.events.kinds import AlertRaised, AlertResolved
from nissa.events.vocabulary import ALERT_OVER

__all__ = ["AlertRows"]


class AlertRows:
    """Rows in the order in which alerts were raised; of more than `limit`, the oldest goes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._raised = limit, 0
        self._rows: dict[int, dict[str, Any]] = {}
        self._open: dict[tuple[Any, ...], int] = {}

    def __call__(self, event: Event[Any]) -> None:
        """Take an alert in, or the end of one."""
        if isinstance(event.payload, AlertRaised):
            self._enter(event)
        elif isinstance(event.payload, AlertResolved):
            self._end(event.scope.run, event.payload)

    def snapshot(self) -> list[dict[str, Any]]:
        """The rows as they stand.

        `state` is "stands", "over", or "open at the end": that of its episode or run, or of what there was room for.
        `ended` is the clause of its end, `observations` how long it stood; None while it stands.
        """
        return [dict(row) for row in self._rows.values()]

    def _enter(self, event: Event[AlertRaised]) -> None:
        scope, alert = event.scope, event.payload
        self._raised += 1
        self._rows[self._raised] = {
            "run": scope.run,
            "alert": alert.alert,
            "severity": alert.severity,
            "subject": alert.subject,
            "group": scope.group,
            "env": scope.env,
            "episode": scope.episode,
            "epoch": scope.epoch,
            "update": alert.update,
            "value": plain(alert.value),
            "baseline": plain(alert.baseline),
            "threshold": plain(alert.threshold),
            "clause": alert.clause,
            "what": alert.what,
            "state": "stands",
            "ended": None,
            "observations": None,
        }
        self._open[scope.run, scope.group, scope.env, alert.alert, alert.subject, alert.severity] = self._raised
        if len(self._rows) > self._limit:
            gone = next(iter(self._rows))
            del self._rows[gone]
            self._open = {key: number for key, number in self._open.items() if number != gone}

    def _end(self, run: str, over: AlertResolved) -> None:
        number = self._open.pop((run, over.group, over.env, over.alert, over.subject, over.severity), None)
        if number in self._rows:
            state = "over" if over.clause in ALERT_OVER else "open at the end"
            self._rows[number] |= {"state": state, "ended": over.clause, "observations": over.observations}
