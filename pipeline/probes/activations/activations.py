"""What do the layers put out? Hooks for one forward, in eval mode, and figures of each layer in one transfer.

>>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
>>> _ = nn.init.eye_(model[0].weight), nn.init.constant_(model[0].bias, -2.0)
>>> with recorded({"host": model}) as outputs:
...     logits = model(torch.tensor([[5.0, 1.0], [3.0, 0.0]]))
>>> measured = activations_measured(outputs)
>>> list(measured.layers), measured.layers["host.1"].mean, measured.layers["host.1"].dead
(['host.0', 'host.1'], 1.0, 1)
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import activation
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from nissa.events.kinds import ActivationsMeasured
from nissa.pipeline.config import Groups
from nissa.pipeline.probes.activations.grouped_outputs import joined
from nissa.pipeline.probes.activations.layer_outputs import Output, layer_activations, output_of
from nissa.pipeline.probes.model import Parts, modules_of, to_cpu, together

__all__ = ["activations_measured", "recordable", "recorded"]

_NO_FUNCTIONS = {"MultiheadAttention", "Softmin", "Softmax", "Softmax2d", "LogSoftmax"}
_FUNCTIONS = tuple(getattr(activation, name) for name in activation.__all__ if name not in _NO_FUNCTIONS)
_UNITS_SECOND = (_ConvNd, _NormBase, nn.GroupNorm)
"""Layers with their units in dimension 1; all others have them in the last."""
_COMPUTED = "parametrizations"
"""Under this name torch.nn.utils.parametrize keeps what computes a layer's parameters."""


@contextmanager
def recorded(parts: Parts) -> Iterator[dict[str, Output]]:
    """What the layers of each part put out in a forward inside, by layer in the order in which they ran.

    Layers are as in `recordable`. Of a tuple, as a recurrent layer puts out, the first element is looked at; what puts
    out no dense floats, or less than two, is left out. A module that runs several times, or stands in several places,
    shows its last run under its first name. Samples come first in an output. The hooks are gone afterwards, also after
    an exception, and draw and change nothing. Compiled code runs past them: inside of `untouched`, models are run
    uncompiled.
    """
    outputs: dict[str, Output] = {}
    look = partial(_look, outputs, [-1])
    with ExitStack() as hooks:
        for module, layer in recordable(parts).items():
            hooks.enter_context(module.register_forward_hook(partial(look, layer)))
        yield outputs


def activations_measured(
    outputs: Mapping[str, Output], dormant_threshold: float = 0.025, groups: Groups = ()
) -> ActivationsMeasured:
    """What was recorded, in figures by layer or group, in one transfer from each device.

    A unit is dormant whose mean magnitude is at most `dormant_threshold` times its layer's.
    """
    read = to_cpu([figures for output in outputs.values() for figures in output.figures])
    rows = {
        layer: layer_activations(output, *read[3 * i : 3 * i + 3], dormant_threshold=dormant_threshold)
        for i, (layer, output) in enumerate(outputs.items())
    }
    told = {name: joined(name, {one: rows[one] for one in own}) for name, own in together(rows, groups).items()}
    return ActivationsMeasured(samples=next((o.samples for o in outputs.values()), 0), layers=told)


@torch.no_grad()
def _look(
    outputs: dict[str, Output], units_at: list[int], layer: str, module: nn.Module, _: tuple[Any, ...], output: Any
) -> None:
    """Keep what a layer put out. An activation function has its units where the layer before it has them."""
    function = isinstance(module, _FUNCTIONS)
    if not function:
        units_at[0] = 1 if isinstance(module, _UNITS_SECOND) else -1
    outputs.pop(layer, None)
    first = output[0] if isinstance(output, tuple) and output else output
    if _is_dense(first):
        outputs[layer] = output_of(first, units_at=units_at[0], function=function)


def _is_dense(output: Any) -> bool:
    if not isinstance(output, Tensor) or output.is_nested or output.layout != torch.strided:
        return False
    return output.is_floating_point() and output.numel() > 1


def recordable(parts: Parts) -> dict[nn.Module, str]:
    """What can be recorded, each with the name of the first place where it is met.

    Modules with parameters of their own and no module inside but what computes these parameters; attention; and
    activation functions that are modules: of `F.relu` nothing is seen.
    """
    found: dict[nn.Module, str] = {}
    for place, module in modules_of(parts):
        if _COMPUTED not in place.split(".")[1:] and _is_layer(module):
            found.setdefault(module, place)
    return found


def _is_layer(module: nn.Module) -> bool:
    if isinstance(module, (*_FUNCTIONS, nn.MultiheadAttention)):
        return True
    if isinstance(module, NonDynamicallyQuantizableLinear):
        return False  # attention reads its weights, and never runs it
    inside = {name for name, child in module._modules.items() if child is not None}
    own = any(p is not None for p in module._parameters.values())
    return inside == {_COMPUTED} or (own and not inside)
