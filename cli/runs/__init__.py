"""Commands that read a recorded run: as tables, as events, as traces, and for Prometheus."""

from nissa.cli.runs import backfill, replay, serve, show, trace

__all__ = ["COMMANDS"]

COMMANDS = (replay.add, show.add, trace.add, serve.add, backfill.add)
"""Each declares a subcommand, or two."""
