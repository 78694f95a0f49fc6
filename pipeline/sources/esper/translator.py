"""What does an event of esper-lite say here? The table translates it, or it is carried whole; none counts twice."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from nissa.events.event import Scope
from nissa.events.foreign import FOREIGN, ForeignEventCarried
from nissa.events.kinds import EpisodeEnded, Payload, RunStarted
from nissa.pipeline.sources.esper.fields import Line, MisfitError, numbered
from nissa.pipeline.sources.esper.history import History, Host
from nissa.pipeline.sources.esper.rules import Translation
from nissa.pipeline.sources.esper.rules_table import RULES, UNKNOWN
from nissa.pipeline.sources.translation_report import Account

__all__ = ["SYSTEM", "Said", "Translator"]

SYSTEM = "esper-lite"
_INFERRED = "episode_idx: not told, but known from the round and the environment"
_UNNUMBERED = "episode_idx: not told, and no round tells it"
_BROUGHT_BACK = "seed_id: of a seed that had ended, and that a rollback brought back"
_REMEMBERED = 100_000
"""Ids of events against which duplicates are found."""


class Said(NamedTuple):
    """What an event of theirs says here."""

    payload: Payload
    scope: Scope
    time: float
    extra: dict[str, Any] | None


class Translator:
    """Takes their events in order. Raises MalformedLineError on what is none, and knows what the ones before told."""

    def __init__(self, account: Account, run: str | None = None) -> None:
        self.run, self._account, self._history = run, account, History()
        self._seen: dict[str, None] = {}

    def __call__(self, row: Any) -> list[Said]:
        """What an event says: nothing if it was there before, and two things where an episode starts with it."""
        line = Line.of(row)
        if self._was_here(line.id):
            self._account.duplicates += 1
            return []
        self.run = self.run or f"esper-{datetime.fromtimestamp(line.time, UTC):%Y%m%d-%H%M%S}"
        rule = RULES.get(line.type, UNKNOWN)
        env = self._env(line) if rule.of_one else None
        episode = self._history.rounds[line.group].place(line, env)
        if told := rule.into is not None and env is not None and line.data.get("episode_idx") is None:
            line.odd.append(_INFERRED if episode is not None else _UNNUMBERED)
        host = self._history.host(line.group, env, episode, unnumbered=told and episode is None)
        rule.watch(line, host)
        payload, extra = self._payload(line, host, rule.into)
        epoch = rule.epoch(line, host)
        scope = Scope(self.run, line.group, env, host.episode if env is not None else None, epoch)
        said = [*self._before(payload, host, scope, line), Said(payload, scope, line.time, extra)]
        self._account.odd.update(line.odd)
        return said

    def _payload(self, line: Line, host: Host, into: Translation | None) -> tuple[Payload, dict[str, Any] | None]:
        reason = None
        if into is not None:
            try:
                payload = into(line, host)
            except MisfitError as error:
                reason = str(error)
                self._account.blame({f"{line.type}.{reason}": 1})
            else:
                self._count(line, "translated")
                return payload, _beyond(line)
        self._count(line, "carried")
        carried = ForeignEventCarried(
            system=SYSTEM,
            type=line.type.partition(" ")[0],
            id=line.id,
            envelope=line.envelope,
            data=line.data,
            reason=reason,
        )
        return carried, None

    def _before(self, payload: Payload, host: Host, scope: Scope, line: Line) -> Iterable[Said]:
        """The start of an episode, where an event is the first of one; and what an event tells is remembered."""
        if isinstance(payload, ForeignEventCarried):
            return []
        if isinstance(payload, RunStarted):
            self._history.begin(scope.group, payload)
        if host.note(payload, scope.epoch):
            line.odd.append(_BROUGHT_BACK)
        if scope.env is None or isinstance(payload, EpisodeEnded) or (start := self._history.start(host)) is None:
            return []
        self._account.added += 1
        return [Said(start, scope._replace(epoch=0), line.time, None)]

    def _env(self, line: Line) -> int | None:
        """Spelled otherwise in two weeks of December 2025."""
        return numbered(line, "env_id" if "env_id" in line.data else "env_idx")

    def _count(self, line: Line, became: str) -> None:
        self._account.note(line.type, became, line.data)
        if became == "translated":
            self._account.translated += 1
        else:
            self._account.carried += 1

    def _was_here(self, id: str | None) -> bool:
        if id is None:
            return False
        if id in self._seen:
            return True
        self._seen[id] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False


def _beyond(line: Line) -> dict[str, Any]:
    """Where a translated event comes from, and what its kind has no field for."""
    rest = {name: value for name, value in line.data.items() if value is not None and name not in line.taken}
    told = {"system": SYSTEM, "type": line.type, "id": line.id, "envelope": line.envelope, "data": rest}
    return {FOREIGN: told}
