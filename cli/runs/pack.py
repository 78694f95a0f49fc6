"""`nissa pack`: recorded runs as a data set that explains itself, and a look at whether such a one is whole."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.terminal import write_lines
from nissa.events.event import Event
from nissa.events.kinds import ProbesConfigured
from nissa.operators.features import described, feature_names, feature_schema
from nissa.operators.statistics import accuracy_variance
from nissa.pipeline.packs import check_pack
from nissa.sinks.data_pack import DataPack, PackError
from nissa.sinks.packages import MissingPackageError
from nissa.sinks.text import counted

__all__ = ["add", "describe"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("pack", help="write recorded runs as a data set for training, or check one")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="RUN", help="a run, or a file of its lines (esper-lite's too)"
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="the pack: a folder that is not there yet")
    wanted.add_argument("--check", action="store_true", help="each RUN is a pack: look whether it is whole, and say so")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with _mended():
        if arguments.check:
            write_lines(map(check_pack, arguments.paths))
            return 0
        return _pack(arguments)


def describe(told: ProbesConfigured | None) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The schema of the features that were announced, or that there are without, and what each is."""
    groups = told.features if told else feature_names({})
    parts = (told.config, told.layers, told.slots, told.classes) if told else ({},)
    rows = {name: row for _, name, row in described(*parts)}
    schema = feature_schema(groups)
    known = {name: rows[name] for name in schema["_index"] if name in rows}
    return schema, {
        name: {"unit": row.unit, "source": row.source, "meaning": row.meaning} for name, row in known.items()
    }


class _Stopping:
    """A consumer that takes nothing more after its first error, which is then to be raised: a replay goes on."""

    def __init__(self, pack: DataPack) -> None:
        self._pack, self.kinds = pack, pack.kinds
        self.error: Exception | None = None

    def __call__(self, event: Event[Any]) -> None:
        if self.error is None:
            try:
                self._pack(event)
            except Exception as error:  # noqa: BLE001  # raised again when the replay is over
                self.error = error


def _pack(arguments: argparse.Namespace) -> int:
    status = 0
    with DataPack(arguments.out, describe, accuracy_variance) as pack:
        for path in arguments.paths:
            consumer = _Stopping(pack)
            result = read_run(path, consumer)
            if consumer.error:
                raise consumer.error
            pack.end_run()
            status = max(status, judged(arguments.command, result))
        name = pack.close()
    found = pack.stats
    write_lines(
        [f"{arguments.out}: {name}, {counted(found.episodes, 'episode')}, {counted(found.decisions, 'decision')}."]
    )
    return status


@contextmanager
def _mended() -> Iterator[None]:
    try:
        yield
    except (PackError, MissingPackageError) as error:
        raise UsageError(error) from None
