"""Commands that read a recorded run: as tables, as events, as traces, on one page, and for Prometheus."""

from nissa.cli.runs import backfill, brief, collect, replay, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, brief.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
