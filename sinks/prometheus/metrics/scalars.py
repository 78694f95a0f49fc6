"""What does the trainer want to see that no other metric is for? Its scalars, by name."""

from nissa.sinks.prometheus.lifetimes import at_scrape
from nissa.sinks.prometheus.metric import ENV, Labels, gauge
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["TABLES"]


def _last(_: Labels, known: Snapshot) -> list[Row]:
    return [*known.scalars.items()]


TABLES = (
    at_scrape(Snapshot, (*ENV, "name"), rows=_last)(
        nissa_scalar=gauge("none", "Last value that the trainer logged under this name, in its own unit.", float),
    ),
)
