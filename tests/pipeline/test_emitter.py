"""An emitter wherever it goes; and a probe that fails, which is counted, and keeps nothing alive."""

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest
import torch

from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted
from nissa.pipeline.telemetry import Telemetry


def test_what_a_failing_probe_held_is_free_at_once() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def probe() -> None:
        activation = torch.zeros(3)
        held.append(weakref.ref(activation))
        raise RuntimeError("out of memory")

    with Telemetry("test", config="minimal") as telemetry:
        gc.disable()
        try:
            for _ in range(2):  # the first is logged, and a log may keep it
                assert telemetry.scope().attempt("odd", probe) is None
            assert held[1]() is None
        finally:
            gc.enable()
        assert telemetry.state().faults == {"probe odd": 2}


def test_a_copy_of_a_network_speaks_through_the_emitter_of_the_original() -> None:
    with Telemetry("test") as telemetry:
        emitter = telemetry.scope(env=0)
        assert copy.deepcopy([emitter])[0] is copy.copy(emitter) is emitter


def test_an_emitter_in_another_process_is_mute_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with Telemetry("far", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        sent = pickle.loads(pickle.dumps(telemetry.scope(env=3)))
        for _ in range(3):
            sent.emit(BatchCompleted(batch=0, loss=1.0))
        sent.move(epoch=1)
        assert telemetry.flush()
        assert not seen
    assert (sent.scope.env, sent.scope.epoch) == (3, 1)
    (record,) = caplog.records
    assert "run 'far'" in record.getMessage()
