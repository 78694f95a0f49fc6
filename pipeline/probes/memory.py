"""How much memory does the process hold, and how much its tensors on the GPU?

>>> measured = memory_measured()
>>> 0 < measured.resident <= measured.resident_peak
True
"""

import os
import sys
from pathlib import Path

import torch

from nissa.events.kinds import MemoryMeasured

__all__ = ["memory_measured"]

_STATM = Path("/proc/self/statm")


def memory_measured() -> MemoryMeasured:
    """Memory of the process; of the current GPU's allocator too, once CUDA is in use, without waiting for it.

    Nothing is reset: whoever starts the allocator's peak anew finds here what it was since then. Where the system tells
    the peak alone (macOS), it stands for what is resident too. Raises ImportError where it tells neither (Windows).
    """
    peak = _peak()
    resident = _resident() if _STATM.exists() else peak
    # The kernel counts pages by thread and adds them up now and then, so the peak can lag behind.
    return MemoryMeasured(resident=resident, resident_peak=max(resident, peak), **_allocator())


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    import resource  # noqa: PLC0415  # Windows has none, and the other probes must be there nevertheless

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _allocator() -> dict[str, int]:
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return {}
    return {
        "allocated": torch.cuda.memory_allocated(),
        "allocated_peak": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.memory_reserved(),
    }
