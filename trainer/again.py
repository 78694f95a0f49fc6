"""What does a run take over that is trained again? How closely it is looked at, where it stops, and what is left out.

>>> Again(until=(2, 7)).episodes(5), Again(until=(2, 7)).last_epoch(1, 45), Again(until=(2, 7)).last_epoch(2, 45)
(3, 45, 7)
"""

from dataclasses import dataclass

from nissa.pipeline.probes import Follow

__all__ = ["Again"]


@dataclass(frozen=True, kw_only=True)
class Again:
    """A run that nobody trained before takes over nothing."""

    follow: Follow | None = None
    """How closely probes are to look, where; otherwise `telemetry.fidelity` says it."""
    until: tuple[int, int] | None = None
    """The last episode, from 0, and its last epoch, from 1; after that of an episode the policy learns."""
    without: str | None = None
    """A slot in which nothing may germinate."""

    def episodes(self, planned: int) -> int:
        """How many episodes are begun."""
        return min(planned, self.until[0] + 1) if self.until else planned

    def last_epoch(self, episode: int, planned: int) -> int:
        """The last epoch of an episode."""
        return min(planned, self.until[1]) if self.until and self.until[0] == episode else planned
