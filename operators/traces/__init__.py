"""What went on around an alert? A ring of recent batches is always on, and opens into dense traces."""

from nissa.operators.traces.recorder import flight_recorder

__all__ = ["flight_recorder"]
