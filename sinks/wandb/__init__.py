"""Curves for W&B: the sink, and the process that it has for W&B's own library."""

from nissa.sinks.wandb.sink import WandbSink

__all__ = ["WandbSink"]
