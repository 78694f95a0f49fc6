"""`nissa show`: what is known of a recorded run: episodes, epochs, traces, whether growing wins, and events by kind."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nissa.cli.documents import write_json
from nissa.cli.runs.replay import read_run
from nissa.cli.runs.show_episodes import episode_lines, run_lines
from nissa.cli.runs.show_epochs import counterfactual_lines, epoch_lines, slot_lines
from nissa.cli.runs.show_kind import KEPT, OfKind, event_lines
from nissa.cli.runs.trace_text import headline, severity
from nissa.events.kinds import DenseTraceCaptured
from nissa.events.vocabulary import MARK
from nissa.sinks.console import verdict_lines
from nissa.sinks.store import RunStore
from nissa.sinks.text import Row, counted

__all__ = ["add"]

_WHERE = ("group", "env", "episode", "epoch")


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("show", help="show episodes, epochs and traces of a recorded run")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    parser.add_argument("--group", help="of this group (A/B arm) only")
    for name in _WHERE[1:]:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"of this {name} only")
    kinds = "such as alert_raised, or a type of another system's log, such as BATCH_EPOCH_COMPLETED"
    parser.add_argument("--kind", help=f"show the last {KEPT:,} events of this kind instead: {kinds}")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    where = {name: getattr(arguments, name) for name in _WHERE}
    if arguments.kind is not None:
        read_run(arguments.path, found := OfKind(arguments.kind, **where))
        _write(found.document() if arguments.json else event_lines(found))
        return 0
    tables = read_run(arguments.path, store := RunStore()).tables.snapshot()
    _write(store.document(**where) if arguments.json else _lines(store, tables, where))
    return 0


def _write(shown: dict[str, Any] | Iterator[str]) -> None:
    if isinstance(shown, dict):
        write_json(shown)
    else:
        sys.stdout.writelines(f"{line}\n" for line in shown)


def _lines(store: RunStore, tables: Mapping[str, Sequence[Row]], where: dict[str, Any]) -> Iterator[str]:
    """Episodes; of one alone its epochs too, and of one epoch its slots; traces, and the verdict on the whole run."""
    contexts = store.episodes(**where)
    yield from run_lines(contexts)
    told = episode_lines(contexts, tables["episodes"])
    yield from ("", *told) if contexts else ("No episode of these was told.",)
    if len(contexts) <= 1 or where["epoch"] is not None:
        epochs = store.epochs(**where)
        yield from ("", *epoch_lines(epochs)) if epochs else ("", "No epoch of these was completed.")
        for snapshot in epochs if where["epoch"] is not None else ():
            yield from ("", *slot_lines(snapshot))
        # Of an episode, the last ones tell of all its seeds.
        measured = store.counterfactuals(**where)
        for counterfactual in measured if where["epoch"] is not None else measured[-1:]:
            yield from ("", *counterfactual_lines(counterfactual))
    yield from _traced(store.traces(**where))
    for tier, count in store.left_out.items():
        if count:
            yield f"{count:,} {tier}, the oldest, are left out for want of room."
    groups = [row for row in tables["verdicts"] if where["group"] in {None, row["group"]}]
    yield from ("", *map(str, verdict_lines(groups))) if groups else ()


def _traced(traces: Sequence[DenseTraceCaptured]) -> Iterator[str]:
    alerts = [trace for trace in traces if severity(trace) != MARK]
    if alerts:
        yield from ("", "Traces (`nissa traces` numbers them):", *(f"  {headline(trace)}" for trace in alerts))
    if marks := len(traces) - len(alerts):
        yield f"{counted(marks, 'trace')} of marks: `nissa traces --marks` lists them."
