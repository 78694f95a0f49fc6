"""What does the process take of its machine, and how busy are the GPUs? Asked by the hub's thread, once a heartbeat.

>>> state = Machine().state()
>>> state.resident > 0, state.cpu >= 0
(True, True)
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from nissa.events.kinds import GpuState, MachineState

__all__ = ["Machine"]

_STATM = Path("/proc/self/statm")


class Machine:
    """The process since the last time that it was asked, and all GPUs that NVML answers of.

    NVML is there with NVIDIA's driver, and `nvidia-ml-py` reads it; without one of them there are no GPUs.
    """

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._nvml: Any = None
        self._asked = False

    def state(self) -> MachineState:
        """As it is now; `cpu` is of the time since the call before. Raises what NVML raises."""
        wall, cpu = time.monotonic(), time.process_time()
        took, used = wall - self._wall, cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return MachineState(cpu=used / took if took > 0 else 0.0, resident=_resident(), gpus=self._gpus())

    def _gpus(self) -> list[GpuState]:
        if not self._asked:
            self._asked, self._nvml = True, _nvml()
        if self._nvml is None:
            return []
        return [*_answering(self._nvml)]


def _nvml() -> Any:
    """NVML, ready to be asked; None where there is no package, no driver, or no right to ask."""
    try:
        nvml = import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # noqa: BLE001  # its errors are classes of the package, which may be another's of that name
        return None
    return nvml


def _answering(nvml: Any) -> Iterator[GpuState]:
    for number in range(nvml.nvmlDeviceGetCount()):
        # One that is lost does not silence the others.
        with suppress(nvml.NVMLError):
            yield _gpu(nvml, number)


def _gpu(nvml: Any, number: int) -> GpuState:
    device = nvml.nvmlDeviceGetHandleByIndex(number)
    memory = nvml.nvmlDeviceGetMemoryInfo(device)
    # Some devices, and parts of one (MIG), do not tell these.
    busy = _asked(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100)
    power = _asked(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(device) / 1000)
    name = nvml.nvmlDeviceGetName(device)
    # Text, but for packages before 11.5.
    name = name.decode() if isinstance(name, bytes) else name
    return GpuState(gpu=number, name=name, busy=busy, memory=memory.used, memory_size=memory.total, power=power)


def _asked(nvml: Any, question: Any) -> float | None:
    try:
        return float(question())
    except nvml.NVMLError:
        return None


def _resident() -> int | None:
    """Bytes; None where the system does not tell (macOS, Windows)."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if _STATM.exists() else None
