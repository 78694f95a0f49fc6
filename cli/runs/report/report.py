"""`nissa report`: recorded runs as one HTML file that needs no network, no server and no other file."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from nissa.cli.errors import UsageError
from nissa.cli.runs.replay import judged
from nissa.cli.runs.report.page import entry, html_page, pages, told_apart
from nissa.cli.runs.report.taking import Known
from nissa.cli.terminal import write_lines
from nissa.pipeline.replay import Replay, replay
from nissa.pipeline.sources import UnreadableRunError

__all__ = ["add"]

_MOST = 50
"""Runs on a page."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("report", help="recorded runs as one HTML file, with curves, to look at or hand on")
    runs = "a run, or a file of its lines (esper-lite's too)"
    parser.add_argument("paths", type=Path, nargs="+", metavar="RUN", help=runs)
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="FILE", help="(report.html)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    paths, out = _different(arguments.paths), arguments.out.resolve()
    if len(paths) > _MOST:
        raise UsageError(f"a page holds {_MOST} runs, not {len(paths)}: name fewer, or look at them with `nissa ui`")
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"{arguments.out}: give a file in a folder that is there, such as -o report.html")
    if (out.exists() and not out.is_file()) or any(_holds(path.resolve(), out) for path in paths):
        raise UsageError(f"{arguments.out}: it is no file that a report may replace; give another one with -o")
    told, results = {}, []
    for nth, path in enumerate(paths, start=1):
        known, result = _known(path)
        told[f"r{nth}"] = entry(known, f"r{nth}") | pages(known)
        results.append(result)
    articles = {key: run.pop("article") for key, run in told.items()}
    _write(out, html_page(told_apart([*told.values()]), articles))
    write_lines([f"{arguments.out}: {_size(out)}, {sum(result.reading.read for result in results):,} events."])
    return _worst(arguments.command, results)


def _different(paths: Iterable[Path]) -> list[Path]:
    """Each run once, as it was spelled first."""
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(path.resolve(), path)
    return [*found.values()]


def _holds(run: Path, out: Path) -> bool:
    """Whether the file is a run's own, by whatever name."""
    return run == out or run in out.parents or (run.exists() and out.exists() and run.samefile(out))


def _known(path: Path) -> tuple[Known, Replay]:
    """Raises UsageError if there is no run at `path`."""
    known = Known(path)
    try:
        result = replay(path, known.consumers.values())
    except UnreadableRunError as error:
        raise UsageError(error) from None
    known.run, known.reading, known.tables = result.run, result.reading, result.tables
    return known, result


def _write(out: Path, content: str) -> None:
    """There whole, or not at all."""
    unfinished = out.with_name(f".{uuid4().hex}")
    try:
        unfinished.write_text(content, encoding="utf-8", errors="replace")
        os.replace(unfinished, out)
    finally:
        unfinished.unlink(missing_ok=True)


def _size(out: Path) -> str:
    return f"{out.stat().st_size / 1e6:.1f} MB"


def _worst(command: str, results: Iterable[Replay]) -> int:
    return max(judged(command, result) for result in results)
