"""Memory, against what was just taken, what the kernel says elsewhere, and an allocator that is none."""

import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from nissa.pipeline.probes import memory
from nissa.pipeline.probes.memory import memory_measured

MIB = 2**20
linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system has no /proc/self/statm")


@linux
def test_memory_that_is_taken_shows_and_stays_in_the_peak_when_it_is_given_back() -> None:
    before = memory_measured()
    taken = torch.ones(64 * MIB, dtype=torch.uint8)
    during = memory_measured()
    del taken
    after = memory_measured()
    assert 56 * MIB < during.resident - before.resident < 80 * MIB
    assert after.resident < during.resident - 56 * MIB
    assert during.resident_peak >= during.resident
    assert after.resident_peak > during.resident - MIB  # the kernel's peak may lag by some pages


@linux
def test_the_peak_is_in_the_units_of_the_system() -> None:
    measured = memory_measured()
    assert measured.resident_peak < 100 * measured.resident
    (resident,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    assert measured.resident == pytest.approx(1024 * int(resident.split()[1]), rel=0.1)


def test_without_a_gpu_nothing_is_said_of_its_allocator() -> None:
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        measured = memory_measured()
        assert (measured.allocated, measured.allocated_peak, measured.reserved) == (None, None, None)


def test_the_allocator_is_asked_and_its_peak_stays_the_trainers(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"now": 5, "peak": 9}
    allocator = {
        "is_initialized": lambda: True,
        "memory_allocated": lambda: state["now"],
        "max_memory_allocated": lambda: state["peak"],
        "memory_reserved": lambda: 20,
        "reset_peak_memory_stats": lambda: state.update(peak=state["now"]),
    }
    for name, ask in allocator.items():
        monkeypatch.setattr(torch.cuda, name, ask)
    for _ in range(2):
        found = memory_measured()
        assert (found.allocated, found.allocated_peak, found.reserved) == (5, 9, 20)


def test_where_the_system_tells_the_peak_alone_in_bytes_it_stands_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_STATM", Path("/nowhere"))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=123))
    measured = memory_measured()
    assert (measured.resident, measured.resident_peak) == (123, 123)


def test_where_the_system_tells_neither_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    with pytest.raises(ImportError):
        memory_measured()
