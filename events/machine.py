"""The machine that a run trains on: what the process takes of it, and its GPUs."""

from dataclasses import field

from nissa.events.kind import part
from nissa.events.units import Bytes, Cores, Count, Fraction, Watts

__all__ = ["GpuState", "MachineState"]


@part
class GpuState:
    """A GPU of the machine, whoever uses it."""

    gpu: Count
    """Number of the GPU, as NVIDIA's driver counts."""
    name: str
    """What it is."""
    busy: Fraction | None = None
    """Share of the driver's last sampling period in which it computed; None if it does not tell."""
    memory: Bytes
    """In use, by all processes."""
    memory_size: Bytes
    """In all."""
    power: Watts | None = None
    """Drawn; None if it does not tell."""


@part
class MachineState:
    """What the trainer's process takes of its machine."""

    cpu: Cores
    """Cores that it kept busy since the heartbeat before, all of its threads together."""
    resident: Bytes | None = None
    """Resident memory of the process."""
    gpus: list[GpuState] = field(default_factory=list)
    """Of the machine, as far as NVML answers; empty without."""
