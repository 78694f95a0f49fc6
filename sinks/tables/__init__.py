"""What has a run come to? The summary tables as plain rows, kept up with each event."""

from nissa.sinks.tables.summary_rows import Tables

__all__ = ["Tables"]
