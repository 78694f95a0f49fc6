"""The machine that a run trains on: what the process takes of it, and its GPUs."""

from dataclasses import field

from nissa.events.kind import part
from nissa.events.units import Bytes, Cores, Count, Fraction, Ratio, Seconds, Watts

__all__ = ["GpuState", "MachineState", "TelemetryCost"]


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


@part
class TelemetryCost:
    """What telemetry took of the trainer's process so far, in CPU time since the run began there."""

    emitting: Seconds
    """CPU of the trainer's own threads in `emit`, estimated from one emit of many; inside a look, it is the look's."""
    measuring: Seconds
    """CPU of the trainer's own threads in looks of probes."""
    threads: Seconds
    """CPU of Nissa's threads in the process: hub, sinks, answers to scrapes, terminal."""
    whole: Seconds
    """CPU of the whole process, all of that and the training."""
    collecting: Seconds | None = None
    """CPU of a collector's process, which is beside all that; None without one."""
    overhead: Ratio | None = None
    """(emitting + measuring + threads) / the rest of the process: since the heartbeat before, or at the end of a run
    since it began. None where there is no rest."""
    steps: Count | None = None
    """Steps of training that `watch.step()` was called for, over all networks; None without a log."""
    log_bytes: Bytes | None = None
    """Lines of the run's log that this process wrote so far; None without a log."""
    look_bytes: Bytes | None = None
    """Lines of the run's log that this process wrote of what looks measured; None without a log."""
