"""`nissa compare`: arms of many runs side by side, with intervals, as text, as JSON and as a picture."""

from nissa.cli.runs.compare.compare import add

__all__ = ["add"]
