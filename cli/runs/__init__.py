"""Commands that read a recorded run: as tables, as events, as traces, for Prometheus, and as a data set."""

from nissa.cli.runs import backfill, collect, pack, replay, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, pack.add, serve.add, collect.add, backfill.add)
"""Each declares a subcommand, or two."""
