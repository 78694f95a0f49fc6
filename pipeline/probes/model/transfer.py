"""Figures on their way off a device: all in one copy, and from a GPU one step late, so that nothing waits.

>>> pending = Pending([torch.tensor([3.0]), torch.tensor([4.0])], lambda figures: torch.cat(figures).norm().item())
>>> pending.waiting, pending.take()
(False, 5.0)
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

__all__ = ["Pending", "Transfer", "to_cpu"]

T_co = TypeVar("T_co", covariant=True)


class Transfer:
    """Tensors on their way to the CPU, in one copy from each device.

    From CUDA they go into pinned memory, and an event says when they are there; nothing waits before `arrived`.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = [tensor.detach() for tensor in tensors]
        groups: dict[torch.device, list[int]] = {}
        for i, tensor in enumerate(self._tensors):
            groups.setdefault(tensor.device, []).append(i)
        self._copies = [(where, self._copied(where)) for device, where in groups.items() if device.type != "cpu"]
        self._events = [_recorded(device) for device in groups if device.type == "cuda"]

    @property
    def waiting(self) -> bool:
        """Whether `arrived` may have to wait for a device."""
        return bool(self._events)

    def arrived(self) -> list[Tensor]:
        """The tensors in their order, in float64, on the CPU. Waits for what is still on its way."""
        for event in self._events:
            event.synchronize()
        for where, flat in self._copies:
            parts = torch.split(flat, [self._tensors[i].numel() for i in where])
            for i, part in zip(where, parts, strict=True):
                self._tensors[i] = part.view(self._tensors[i].shape)
        self._copies, self._events = [], []
        return [tensor.double() for tensor in self._tensors]

    def _copied(self, where: list[int]) -> Tensor:
        flat = torch.cat([self._tensors[i].double().flatten() for i in where])
        # Only CUDA copies into pinned memory by itself, and only there is an event to say when it has.
        return flat.to("cpu", non_blocking=flat.is_cuda)


class Pending(Generic[T_co]):
    """A measurement whose figures are on their way; `finish` makes of them, in float64, what `take` returns."""

    def __init__(self, figures: Sequence[Tensor], finish: Callable[[list[Tensor]], T_co]) -> None:
        self._transfer, self._finish = Transfer(figures), finish

    @property
    def waiting(self) -> bool:
        """Whether `take` may have to wait for a device."""
        return self._transfer.waiting

    def take(self) -> T_co:
        """What was measured. Waits for it, if it is still on its way."""
        return self._finish(self._transfer.arrived())


def to_cpu(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors in float64 on the CPU, at once, in one copy from each device."""
    return Transfer(tensors).arrived()


def _recorded(device: torch.device) -> torch.cuda.Event:
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event
