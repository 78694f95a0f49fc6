"""Commands that read recorded runs: as tables, events, traces, a page, in SQL, as a data set, for Prometheus, side by
side, or to train one again."""

from nissa.cli.runs import (
    backfill,
    brief,
    collect,
    compare,
    export,
    pack,
    query,
    replay,
    report,
    reproduce,
    serve,
    show,
    trace,
)

__all__ = ["COMMANDS"]

_READING = (replay.add, show.add, trace.add, brief.add, *report.COMMANDS, query.add, export.add, pack.add, compare.add)
COMMANDS = (*_READING, reproduce.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
