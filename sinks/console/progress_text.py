"""How far has a run come? In one row.

>>> progress = {"epochs": 3, "planned": 12, "reached": "loss 0.5", "batch": 7, "alerts": 1, "seconds": 90.0}
>>> progress_text(progress).plain
'nissa  3 of 12 epochs (25%)  loss 0.5  1 alert  0:01:30, about 0:04:30 left'
>>> progress_text(progress | {"epochs": 0, "planned": None, "alerts": 0}).plain
'nissa  batch 7  loss 0.5  0:01:30'
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.text import Text

from nissa.sinks.text import counted

__all__ = ["progress_text"]

_LONGEST = 86_400.0 * 999_999_999
"""Seconds that can be written; a run without an end may plan more."""


def progress_text(progress: Mapping[str, Any]) -> Text:
    """Epochs or else batches, what was reached, alerts so far, and the time of the last event."""
    alerts = progress["alerts"]
    parts = [
        ("nissa", "bold"),
        (_done(progress), ""),
        (progress["reached"], ""),
        (counted(alerts, "alert") if alerts else "", "bold yellow"),
        (_times(progress), "dim"),
    ]
    return Text("  ").join(Text(*part) for part in parts if part[0])


def _done(progress: Mapping[str, Any]) -> str:
    epochs, planned, batch = progress["epochs"], progress["planned"], progress["batch"]
    if planned:
        return f"{epochs:,} of {planned:,} epochs ({epochs / planned:.0%})"
    if epochs:
        return counted(epochs, "epoch")
    return "" if batch is None else f"batch {batch:,}"


def _times(progress: Mapping[str, Any]) -> str:
    epochs, planned, seconds = progress["epochs"], progress["planned"], progress["seconds"]
    if not planned or not 0 < epochs < planned:
        return _clock(seconds)
    return f"{_clock(seconds)}, about {_clock(seconds / epochs * (planned - epochs))} left"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(min(seconds, _LONGEST))))
