"""What does the trainer's process take? Resident memory, and the GPU's; they are the run's, not an environment's."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import MemoryMeasured
from nissa.sinks.prometheus.metric import RUN, Labels, Readings, Rows, Sample, metrics

__all__ = ["GAUGES", "METRICS"]

_MEMORY: Rows = {
    "nissa_memory_resident_bytes": ("bytes", "Resident memory of the trainer's process."),
    "nissa_memory_resident_peak_bytes": ("bytes", "The most that the resident memory ever was."),
    "nissa_memory_allocated_bytes": ("bytes", "GPU memory held by tensors; absent without a GPU."),
    "nissa_memory_allocated_peak_bytes": (
        "bytes",
        "The most GPU memory held since the process began, or since its peak was started anew.",
    ),
    "nissa_memory_reserved_bytes": ("bytes", "GPU memory that torch's allocator has taken."),
}

METRICS = metrics("gauge", RUN, _MEMORY)


def _memory(at: Labels, event: Event[MemoryMeasured]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_memory_resident_bytes", at[:1], row.resident
    yield "nissa_memory_resident_peak_bytes", at[:1], row.resident_peak
    yield "nissa_memory_allocated_bytes", at[:1], row.allocated
    yield "nissa_memory_allocated_peak_bytes", at[:1], row.allocated_peak
    yield "nissa_memory_reserved_bytes", at[:1], row.reserved


GAUGES: Readings = {MemoryMeasured: _memory}
