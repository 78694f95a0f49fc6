"""`nissa show`: what is known of a recorded run: episodes, epochs, traces, whether growing wins, and events by kind."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from nissa.cli.documents import write_json
from nissa.cli.runs.ending import Ending, ending
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.runs.show_episodes import episode_lines, run_lines
from nissa.cli.runs.show_epochs import counterfactual_lines, epoch_lines, slot_lines
from nissa.cli.runs.show_job import JobTold, job_in, job_lines
from nissa.cli.runs.show_kind import KEPT, OfKind, event_lines
from nissa.cli.runs.trace_text import headline, severity
from nissa.cli.terminal import write_lines
from nissa.events.vocabulary import MARK
from nissa.pipeline.jobs import lost_ranks
from nissa.sinks.console import InjectedFaults, scalar_table, verdict_lines, without_seeds
from nissa.sinks.store import RunStore
from nissa.sinks.text import Row, counted, text_lines

__all__ = ["add"]

_WHERE = ("group", "env", "episode", "epoch")


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("show", help="show episodes, epochs and traces of a recorded run")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run or the folder of a job, or a file of its lines")
    parser.add_argument("--group", help="of this group (A/B arm) only")
    parser.add_argument("--env", metavar="ENV", help="of this env only: a number or a name")
    for name in _WHERE[2:]:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"of this {name} only")
    kinds = "such as alert_raised, or a type of another system's log, such as BATCH_EPOCH_COMPLETED"
    parser.add_argument("--kind", help=f"show the last {KEPT:,} events of this kind instead: {kinds}")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    where = {name: getattr(arguments, name) for name in _WHERE}
    if job := job_in(arguments.path):
        return _show_job(job, arguments, where)
    if arguments.kind is not None:
        return _show_kind(arguments.path, arguments, where)
    result = read_run(arguments.path, store := RunStore(), faults := InjectedFaults(), end := Ending())
    tables = result.tables.snapshot()
    verdict = _verdict(tables, where, faults.text())
    held = _held(result.reading.by_kind) if not store.episodes() else ()
    head = (told, "") if (told := ending(arguments.path, end.ended)) else ()
    _write(store.document(**where) if arguments.json else chain(head, _lines(store, tables, where), held, verdict))
    return judged(arguments.command, result)


def _show_kind(path: Path, arguments: argparse.Namespace, where: dict[str, Any]) -> int:
    result = read_run(path, found := OfKind(arguments.kind, **where))
    _write(found.document() if arguments.json else event_lines(found))
    return judged(arguments.command, result)


def _show_job(path: Path, arguments: argparse.Namespace, where: dict[str, Any]) -> int:
    """Of the folder of a job, the job; its events are those of the job's own run."""
    if arguments.kind is not None or arguments.json:
        arguments.kind = arguments.kind or "ranks_compared"
        return _show_kind(path, arguments, where)
    result = read_run(path, told := JobTold())
    _write(job_lines(told, lost_ranks(arguments.path)))
    return judged(arguments.command, result)


def _write(shown: dict[str, Any] | Iterable[str]) -> None:
    if isinstance(shown, dict):
        write_json(shown)
    else:
        write_lines(shown)


def _lines(store: RunStore, tables: Mapping[str, Sequence[Row]], where: dict[str, Any]) -> Iterator[str]:
    """Episodes; of one alone its epochs too, and of one epoch its slots; traces."""
    contexts = store.episodes(**where)
    yield from run_lines(contexts)
    told = episode_lines(contexts, tables["episodes"])
    yield from ("", *told) if contexts else ("No episode of these was told.",)
    if len(contexts) <= 1 or where["epoch"] is not None:
        epochs = store.epochs(**where)
        yield from (
            ("", *epoch_lines(epochs, seedless=without_seeds(tables)))
            if epochs
            else ("", "No epoch of these was completed.")
        )
        for snapshot in epochs if where["epoch"] is not None else ():
            yield from ("", *slot_lines(snapshot))
        # Of an episode, the last ones tell of all its seeds.
        measured = store.counterfactuals(**where)
        for counterfactual in measured if where["epoch"] is not None else measured[-1:]:
            yield from ("", *counterfactual_lines(counterfactual))
    yield from _scalars(tables["scalars"], where)
    yield from _traced(store, where)
    for tier, count in store.left_out.items():
        if count:
            yield f"{count:,} {tier}, the oldest, are left out for want of room."


def _scalars(rows: Sequence[Row], where: Mapping[str, Any]) -> Iterator[str]:
    """Those of a group and environment, over all of its episodes."""
    if where["episode"] is None and where["epoch"] is None:
        meant = [row for row in rows if all(where[key] in {None, row[key], str(row[key])} for key in _WHERE[:2])]
        shown = scalar_table(meant) if meant else ()
        yield from ("", *(line for part in shown for line in text_lines(part))) if meant else ()


def _held(kinds: Mapping[str, int]) -> Iterator[str]:
    """What there is in a run of which no episode was told."""
    found = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    yield ""
    yield f"There are {', '.join(f'{count:,} {kind}' for kind, count in found)}: `nissa show --kind` lists them."


def _verdict(tables: Mapping[str, Sequence[Row]], where: Mapping[str, Any], injected: str) -> Iterator[str]:
    """Of a group, if one is asked for; whatever else is."""
    groups = [row for row in tables["verdicts"] if where["group"] in {None, row["group"]}]
    if groups:
        yield from ("", "Of the whole run:") if any(value is not None for value in where.values()) else ("",)
        yield from map(str, verdict_lines(groups, injected=injected, seedless=without_seeds(tables)))


def _traced(store: RunStore, where: Mapping[str, Any]) -> Iterator[str]:
    """Of the whole run, `nissa traces` numbers them; those that are left out are the oldest."""
    numbers = {id(trace): n for n, trace in enumerate(store.traces(), start=store.left_out["traces"] + 1)}
    traces = store.traces(**where)
    alerts = [trace for trace in traces if severity(trace) != MARK]
    if alerts:
        lines = (f"{numbers[id(trace)]:>4}  {headline(trace)}" for trace in alerts)
        yield from ("", "Traces (`nissa trace RUN N` shows one):", *lines)
    if marks := len(traces) - len(alerts):
        yield f"{counted(marks, 'trace')} of marks: `nissa traces --marks` lists them."
