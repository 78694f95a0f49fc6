"""What a heartbeat tells of the machine. No test here sees a GPU: NVML is a stand-in of the calls that are made."""

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kinds import GpuState, Heartbeat
from nissa.pipeline.hub import machine
from nissa.pipeline.hub.machine import Machine
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import LIMIT, until


class _NotSupportedError(Exception):
    pass


def nvml(**calls: Any) -> ModuleType:
    """As `pynvml` is with two GPUs, of which the second tells neither how busy it is nor what it draws."""

    def of_first(value: Any) -> Any:
        def asked(device: int) -> Any:
            if device:
                raise _NotSupportedError
            return value

        return asked

    module = ModuleType("pynvml")
    known = {
        "NVMLError": _NotSupportedError,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetName": lambda device: f"GPU {device}",
        "nvmlDeviceGetMemoryInfo": lambda device: SimpleNamespace(used=3 << 30, total=80 << 30, free=77 << 30),
        "nvmlDeviceGetUtilizationRates": of_first(SimpleNamespace(gpu=87, memory=12)),
        "nvmlDeviceGetPowerUsage": of_first(312_500),
    }
    vars(module).update(known | calls)
    return module


def test_cores_are_seconds_of_the_processor_by_seconds_of_the_clock_since_the_beat_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = iter([(10.0, 3.0), (15.0, 13.0), (20.0, 13.0), (20.0, 13.0)])
    wall, cpu = zip(*passed, strict=True)
    clock = SimpleNamespace(monotonic=iter(wall).__next__, process_time=iter(cpu).__next__)
    monkeypatch.setattr(machine, "time", clock)
    asked = Machine()
    assert [asked.state().cpu for _ in range(3)] == [2.0, 0.0, 0.0]


def test_gpus_are_told_in_watts_bytes_and_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    assert Machine().state().gpus == [
        GpuState(gpu=0, name="GPU 0", busy=0.87, memory=3 << 30, memory_size=80 << 30, power=312.5),
        GpuState(gpu=1, name="GPU 1", memory=3 << 30, memory_size=80 << 30),
    ]


def test_without_a_driver_there_are_no_gpus_and_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def init() -> None:
        asked.append(1)
        raise _NotSupportedError

    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlInit=init))
    once = Machine()
    assert [once.state().gpus, once.state().gpus, asked] == [[], [], [1]]


def test_a_driver_that_fails_is_a_fault_and_the_heart_beats_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlDeviceGetCount=lambda: 1 // 0))
    telemetry = Telemetry("test", sinks={"seen": (seen := list[Event[Any]]()).append})
    telemetry.log({"lr": 1.0})
    assert telemetry.flush()
    until(lambda: telemetry.state().faults.get("machine"))
    telemetry.close()
    beats = [event.payload for event in seen if isinstance(event.payload, Heartbeat)]
    assert beats
    assert all(beat.machine is None for beat in beats)
    assert telemetry.state().faults["machine"] == len(beats) - 1


def test_a_gpu_that_does_not_answer_does_not_silence_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(number: int) -> int:
        if number == 0:
            raise _NotSupportedError
        return number

    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlDeviceGetHandleByIndex=handle))
    assert [gpu.gpu for gpu in Machine().state().gpus] == [1]


def test_a_driver_that_hangs_does_not_keep_the_end_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(Machine, "state", lambda _: hung.wait())
    telemetry = Telemetry("test")
    telemetry.log({"lr": 1.0})
    ending = threading.Thread(target=telemetry.close, kwargs={"timeout": 0.2})
    ending.start()
    ending.join(LIMIT)
    assert not ending.is_alive()
    hung.set()


def test_the_machine_is_asked_on_the_threads_of_the_pipeline_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set[str]()

    def state(_: Machine) -> None:
        threads.add(threading.current_thread().name)

    monkeypatch.setattr(Machine, "state", state)
    with Telemetry("test") as telemetry:
        for step in range(1000):
            telemetry.log({"lr": 1.0}, step)
        assert telemetry.flush()
        assert threading.current_thread().name not in threads
