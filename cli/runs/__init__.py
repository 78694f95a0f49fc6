"""Commands that read a recorded run: as tables, as events, as traces, and for Prometheus."""

from nissa.cli.runs import backfill, collect, compare, replay, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, compare.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
