"""A probe that fails is counted, and keeps nothing alive."""

import gc
import weakref

import torch

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
