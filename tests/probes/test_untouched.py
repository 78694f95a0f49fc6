"""Whatever a trial does to a network and to the global generators, nothing of it is left."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nissa.pipeline.probes.untouched import untouched


def test_weights_that_are_named_buffers_modes_and_generators_are_put_back_even_after_an_error(
    cnn: nn.Module, state: Callable[[nn.Module], Any]
) -> None:
    cnn[4].eval()  # type: ignore[index]
    before = state(cnn), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    buffers = [id(buffer) for buffer in cnn.buffers()]

    def trial() -> None:
        with untouched(cnn, list(cnn.parameters())), torch.no_grad():
            assert not any(module.training for module in cnn.modules())
            for tensor in [*cnn.parameters(), *cnn.buffers()]:
                tensor.add_(1)
            cnn[1].running_mean = torch.zeros(16)  # type: ignore[index]
            cnn.register_buffer("new", torch.zeros(1))
            cnn.train()
            torch.rand(1), random.random(), np.random.rand()
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        trial()
    assert (state(cnn), random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]
    assert [id(buffer) for buffer in cnn.buffers()] == buffers


def test_inside_are_copies_of_what_was_named(cnn: nn.Module) -> None:
    first = next(cnn.parameters())
    with untouched(cnn, [first]) as (copy,):
        assert torch.equal(copy, first)
        assert copy.data_ptr() != first.data_ptr()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch.compile, on import
def test_what_was_compiled_inside_runs_as_it_was_written() -> None:
    compiled: list[object] = []

    def backend(graph: Any, _: object) -> Any:
        compiled.append(graph)
        return graph.forward

    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    model[0] = torch.compile(model[0], backend=backend)  # type: ignore[assignment]
    with untouched(model), torch.no_grad():
        model(torch.ones(1, 2))
    assert not compiled
    model(torch.ones(1, 2))
    assert len(compiled) == 1
