"""Commands that read a recorded run: as tables, events, traces, on one page, in SQL, and for Prometheus."""

from nissa.cli.runs import backfill, brief, collect, export, query, replay, serve, show, trace

__all__ = ["COMMANDS"]

_READING = (replay.add, show.add, trace.add, brief.add, query.add, export.add)
COMMANDS = (*_READING, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
