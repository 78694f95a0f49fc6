"""Whatever a trial does to a network and to the global generators, nothing of it is left."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nissa.pipeline.probes.model.restored import untouched


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


class Adapted(nn.Linear):
    """As in loralib: `train(False)` merges an adapter into the weight."""

    def train(self, mode: bool = True) -> "Adapted":
        super().train(mode)
        with torch.no_grad():
            self.weight.add_(-1 if mode else 1)
        return self


def test_modes_are_set_without_the_modules_own_train_and_eval() -> None:
    model = nn.Sequential(Adapted(2, 2), nn.Dropout())
    before = model[0].weight.detach().clone()  # type: ignore[operator]
    with untouched(model):
        assert not any(module.training for module in model.modules())
        assert torch.equal(model[0].weight, before)  # type: ignore[arg-type]
    assert all(module.training for module in model.modules())
    assert torch.equal(model[0].weight, before)  # type: ignore[arg-type]


def test_a_trial_leaves_nothing_in_the_cache_of_autocast_and_takes_nothing_from_it() -> None:
    model, inputs = nn.Linear(2, 1, bias=False), torch.ones(1, 2)
    nn.init.ones_(model.weight)
    with torch.autocast("cpu", torch.bfloat16):
        model(inputs)
        with untouched(model, [model.weight]), torch.no_grad():
            model.weight.fill_(3.0)
            assert model(inputs).item() == 6.0
        output = model(inputs)
        assert output.item() == 2.0
        output.sum().backward()
    assert model.weight.grad is not None


def test_in_inference_mode_a_network_is_tried_outside_of_it_and_all_is_put_back() -> None:
    model = nn.BatchNorm1d(2)
    with torch.inference_mode():
        model.register_buffer("table", torch.zeros(2))
    for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad):
        with mode(), untouched(model, [model.weight]), torch.no_grad():
            assert not torch.is_inference_mode_enabled()
            model.weight.add_(1)
            with torch.enable_grad():
                assert torch.autograd.grad((model.weight * 2).sum(), model.weight)
        assert torch.equal(model.weight, torch.ones(2))
    with torch.no_grad(), untouched(model):
        assert not torch.is_grad_enabled()


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
