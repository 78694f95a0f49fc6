"""The pipeline's account of itself: what it took, what became of it, and how each sink is doing."""

from dataclasses import field

from nissa.events.kind import part
from nissa.events.units import Count, Seconds

__all__ = ["PipelineState", "SinkState"]


@part
class SinkState:
    """How one sink is doing: given = written + queued + failed + the sum of dropped, always."""

    sink: str
    """Its name."""
    given: Count | None = None
    """Events that were put before it: those written, queued, failed and dropped; None where that is not told."""
    written: Count
    """Events that it wrote: those in the file, for a log."""
    queued: Count
    """Events that wait for it, and those that it took and has not written yet."""
    failed: Count
    """Events given up after retries, each in the dead-letter file, and those that it took and never wrote."""
    retries: Count
    """Attempts that raised and were tried again."""
    breaker: str
    """"closed" (well), "open" (resting after failures) or "half_open" (trying again)."""
    dropped: dict[str, int]
    """Events shed from its queue, by kind."""
    reasons: dict[str, Count] = field(default_factory=dict)
    """Events shed from its queue, by reason: "full" (too many waited), "heavy" (they held too many bytes) or "end" (no
    time was left)."""
    oldest: Seconds | None = None
    """Age of the oldest event that it has not written, since that was emitted; 0 where there is none. Of what it holds
    after a failure, at most that. None where it is not told."""


@part
class PipelineState:
    """The pipeline's account of itself: accepted = delivered + queued + the sum of dropped, always."""

    accepted: Count
    """Events emitted so far."""
    delivered: Count
    """Events that the operators and sinks were given."""
    queued: Count
    """Events between emission and delivery, counted where they wait."""
    dropped: dict[str, int]
    """Events shed before delivery, by kind."""
    reasons: dict[str, Count] = field(default_factory=dict)
    """Events shed before delivery, by reason: "full" (too many waited), "heavy" (they held too many bytes) or "end" (no
    time was left)."""
    refused: Count
    """Events emitted after the end; they are not among the accepted."""
    faults: dict[str, int]
    """Errors caught inside the pipeline, by component."""
    restarts: Count
    """Times that the hub's thread died and was started again."""
    lag: Seconds
    """Age of the event delivered last, when it was delivered."""
    fidelity_delay: Seconds | None = None
    """From the event that changed the fidelity last to the trainer being told; None before the first change."""
    fidelity_delay_max: Seconds | None = None
    """The longest of all changes."""
    sinks: list[SinkState]
    """One row for each sink."""
