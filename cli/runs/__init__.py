"""Commands that read a recorded run: as tables, as events, as traces, in SQL, and for Prometheus."""

from nissa.cli.runs import backfill, collect, export, query, replay, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, query.add, export.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
