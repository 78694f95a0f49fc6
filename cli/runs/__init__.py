"""Commands that read a recorded run: as tables, events, traces, a page, in SQL, as a data set, for Prometheus, or to
train it again."""

from nissa.cli.runs import backfill, brief, collect, export, pack, query, replay, reproduce, serve, show, trace

__all__ = ["COMMANDS"]

_READING = (replay.add, show.add, trace.add, brief.add, query.add, export.add, pack.add)
COMMANDS = (*_READING, reproduce.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
