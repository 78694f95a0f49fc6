"""Commands that read a recorded run: as tables, as events, as traces, for Prometheus, and to train it again."""

from nissa.cli.runs import backfill, collect, replay, reproduce, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, serve.add, collect.add, backfill.add, reproduce.add)
"""Each declares a subcommand, or two."""
