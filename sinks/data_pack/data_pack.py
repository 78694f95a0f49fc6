"""The sink that writes a data pack."""

import os
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import orjson

from nissa.events.event import Event
from nissa.events.kinds import HostBaselineEpoch, ProbesConfigured, RunEnded, RunStarted
from nissa.sinks.data_pack.columns import decision_rows, decisions_schema, episode_row, episodes_schema
from nissa.sinks.data_pack.files import DECISIONS, EPISODES, SCHEMA, Columns, Lines, PackError, manifest
from nissa.sinks.data_pack.open_episode import TOLD, OpenEpisode
from nissa.sinks.data_pack.open_runs import Measured, OpenRuns, Schema, Twin
from nissa.sinks.data_pack.outcome import Variance
from nissa.sinks.data_pack.quick_stats import Tally
from nissa.sinks.data_pack.structure import FORMAT, Feature, PackHead, QuickStats, json_schema

__all__ = ["DataPack"]


class DataPack:
    """A sink that writes the folder of a pack: call it with the events of a run, then `end_run`; at last `close`.

    The folder is made beside, and is there whole or not at all: `abandon` removes what there is of it, and so does a
    `with` block that an error leaves. `describe` gives the names of the features that probes announce, or that there
    are where none do, and what each is; `variance` that of an accuracy. Nothing is held but the episode that is open in
    each environment.

    Raises PackError where `folder` exists, a run comes twice, or measures otherwise than the first; MissingPackageError
    without pyarrow.
    """

    kinds = (*TOLD, HostBaselineEpoch, ProbesConfigured, RunStarted, RunEnded)

    def __init__(self, folder: Path, describe: Callable[[ProbesConfigured | None], Schema], variance: Variance) -> None:
        if folder.exists():
            raise PackError(f"{folder} exists already: choose another folder, or move it away")
        self.folder, self._variance = folder, variance
        self._workshop = folder.with_name(f".{folder.name}-{uuid4().hex}")
        schemas = decisions_schema(), episodes_schema()
        self._workshop.mkdir(parents=True)
        self._lines = Lines(self._workshop)
        self._decisions, self._episodes = map(Columns, (self._workshop / DECISIONS, self._workshop / EPISODES), schemas)
        self._measured, self._tally = Measured(describe), Tally()
        self._open = OpenRuns(self._measured)
        self._newest = 0.0
        self._ended, self._current = set[str](), set[str]()

    def __call__(self, event: Event[Any]) -> None:
        run = event.scope.run
        if run in self._ended:
            raise PackError(f"run {run} is there twice: pack it once")
        self._current.add(run)
        self._newest = max(self._newest, event.time)
        self._write(self._open.take(event))

    @property
    def stats(self) -> QuickStats:
        """What was written so far."""
        return self._tally.stats()

    def end_run(self) -> None:
        """Write what is open: the next event is of another run."""
        self._write(self._open.end())
        self._ended |= self._current
        self._current = set()

    def close(self) -> str:
        """Finish the pack; its name. Raises PackError where there is no episode in it, FileExistsError where somebody
        else has made the folder meanwhile."""
        self.end_run()
        if not self._tally.episodes:
            raise PackError("there is no episode to pack: none of the runs tells of an epoch or a decision")
        head = self._head()
        self._lines.finish(head)
        self._decisions.close()
        self._episodes.close()
        schema = orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (self._workshop / SCHEMA).write_bytes(schema)
        manifest(self._workshop, FORMAT, head.pack_id)
        os.rename(self._workshop, self.folder)
        return head.pack_id

    def abandon(self) -> None:
        """Remove what there is of an unfinished pack."""
        self._lines.close()
        shutil.rmtree(self._workshop, ignore_errors=True)

    def __enter__(self) -> "DataPack":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """What was closed is not in the workshop any more."""
        self.abandon()

    def _write(self, over: Iterable[tuple[OpenEpisode, Twin]]) -> None:
        for told, twin in over:
            if told.decisions:
                self._measured.settle(told.scope.run)
            episode = told.closed(self._tally.episodes, twin, len(self._measured.names["_index"]), self._variance)
            self._lines.add(episode)
            self._decisions.add(decision_rows(episode))
            self._episodes.add([episode_row(episode)])
            self._tally.add(episode)

    def _head(self) -> PackHead:
        measured = self._measured
        content = orjson.dumps([self._lines.digest(), measured.names, measured.config])
        return PackHead(
            format=FORMAT,
            pack_id=f"pack-{sha256(content).hexdigest()[:16]}",
            created_at=datetime.fromtimestamp(self._newest, UTC).isoformat().replace("+00:00", "Z"),
            telemetry_config=measured.config,
            feature_schema=measured.names,
            features={name: Feature(**told) for name, told in measured.features.items()},
            quick_stats=self._tally.stats(),
        )
