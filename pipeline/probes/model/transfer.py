"""The way of figures off their device: all in one copy, and from a GPU one step late, so that nothing waits.

>>> late = Late([torch.tensor([3.0]), torch.tensor([4.0])], lambda figures: torch.cat(figures).norm().item())
>>> late.waiting, late.take()
(False, 5.0)
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

__all__ = ["Late", "Sending", "here", "sent"]

T_co = TypeVar("T_co", covariant=True)


class Sending(Protocol):
    """Tensors on their way to the CPU."""

    @property
    def waiting(self) -> bool:
        """Whether `arrived` may have to wait for a device."""

    def arrived(self) -> list[Tensor]:
        """The tensors in their order, in float64, on the CPU. Waits for what is still on its way."""


class _Sent:
    """One copy from each device. From CUDA it goes into pinned memory, and an event says when it is there."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = [tensor.detach() for tensor in tensors]
        groups: dict[torch.device, list[int]] = {}
        for i, tensor in enumerate(self._tensors):
            groups.setdefault(tensor.device, []).append(i)
        self._copies = [(where, self._copied(where)) for device, where in groups.items() if device.type != "cpu"]
        self._events = [_recorded(device) for device in groups if device.type == "cuda"]

    @property
    def waiting(self) -> bool:
        return bool(self._events)

    def arrived(self) -> list[Tensor]:
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


class Late(Generic[T_co]):
    """A measurement whose figures are on their way; `finish` makes of them, in float64, what `take` returns."""

    def __init__(self, figures: Sequence[Tensor], finish: Callable[[list[Tensor]], T_co]) -> None:
        self._sending, self._finish = sent(figures), finish

    @property
    def waiting(self) -> bool:
        """Whether `take` may have to wait for a device."""
        return self._sending.waiting

    def take(self) -> T_co:
        """What was measured. Waits for it, if it is still on its way."""
        return self._finish(self._sending.arrived())


def sent(tensors: Sequence[Tensor]) -> Sending:
    """Send tensors to the CPU, one copy for each device, without waiting for a GPU."""
    return _Sent(tensors)


def here(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors in float64 on the CPU, at once, in one copy from each device."""
    return sent(tensors).arrived()


def _recorded(device: torch.device) -> torch.cuda.Event:
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event
