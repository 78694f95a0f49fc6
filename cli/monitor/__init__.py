"""How does a run do, at a glance? A screen over its log, while it trains or afterwards, in a process of its own."""

from nissa.cli.monitor.monitor import add

__all__ = ["add"]
