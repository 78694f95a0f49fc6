"""A network tried without a trace: in eval mode and uncompiled, and then everything is put back.

>>> model = nn.Sequential(nn.Dropout(), nn.Linear(1, 1))
>>> with untouched(model):
...     _ = torch.rand(3), model.eval()
>>> model.training
True
"""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["untouched"]


@contextmanager
def untouched(model: nn.Module, tensors: Sequence[Tensor] = ()) -> Iterator[list[Tensor]]:
    """Eval mode inside, and copies of `tensors`; whatever happens, all is bit for bit as before after it.

    That is: `tensors`, the buffers and modes of `model`, the global generators of torch, Python and numpy, and what
    autocast keeps of weights. Modes are set without `train()` and `eval()`, which a module may have made to do more,
    as to merge an adapter into a weight. Inference mode is off inside. What torch.compile made of parts of the model is
    not run, because a network tried in another mode is compiled again.
    """
    saved = [tensor.detach().clone() for tensor in tensors]
    buffers = [(module._buffers, dict(module._buffers)) for module in model.modules()]
    kept = {b: b.detach().clone() for _, own in buffers for b in own.values() if b is not None}
    modes = [(module, module.training) for module in model.modules()]
    devices = {tensor.device for tensor in [*model.parameters(), *kept] if tensor.is_cuda}
    try:
        with _generators(devices), _uncompiled(), _freshly_cast(), _outside_inference():
            for module, _ in modes:
                module.training = False
            yield saved
    finally:
        for module, mode in modes:
            module.training = mode
        for slots, own in buffers:
            slots.clear()
            slots.update(own)
        if changing := [*tensors, *kept]:
            # A buffer that was made in inference mode can be written only there, and all others too.
            with torch.inference_mode():
                torch._foreach_copy_(changing, [*saved, *kept.values()])


@contextmanager
def _generators(devices: set[torch.device]) -> Iterator[None]:
    """All global generators are afterwards what they were."""
    numpy = sys.modules.get("numpy")
    python, state = random.getstate(), numpy.random.get_state() if numpy else None
    try:
        with torch.random.fork_rng(devices=[device.index for device in devices]):
            yield
    finally:
        random.setstate(python)
        if numpy:
            numpy.random.set_state(state)


@contextmanager
def _freshly_cast() -> Iterator[None]:
    """Autocast casts weights anew inside, and after it: it keeps what it cast even when the weight is another one."""
    torch.clear_autocast_cache()
    try:
        yield
    finally:
        torch.clear_autocast_cache()


@contextmanager
def _outside_inference() -> Iterator[None]:
    """As the caller records gradients, or does not, but not in inference mode."""
    recording = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.set_grad_enabled(recording):
        yield


def _uncompiled() -> AbstractContextManager[Any]:
    # Without dynamo nothing was compiled, and to ask would load it, which takes a second.
    loaded = "torch._dynamo" in sys.modules
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager") if loaded else nullcontext()
    return stance
