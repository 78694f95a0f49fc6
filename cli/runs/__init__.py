"""Commands that read a recorded run: as tables, events, traces, a page, in SQL, as a data set, and for Prometheus."""

from nissa.cli.runs import backfill, brief, collect, export, pack, query, replay, serve, show, trace

__all__ = ["COMMANDS"]

_READING = (replay.add, show.add, trace.add, brief.add, query.add, export.add, pack.add)
COMMANDS = (*_READING, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
