"""What the trainings that give the curves share: batches, text, and a step."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

__all__ = ["Training", "batches", "spelled", "update", "windows"]

Training = Callable[[], Iterator[Tensor]]
"""The losses of one training, step by step; all chance is torch's global generator's."""


def batches(rows: tuple[Tensor, ...], size: int) -> Iterator[tuple[Tensor, ...]]:
    """Epoch after epoch, in another order each; what fills no batch is left out."""
    while True:
        for chosen in torch.split(torch.randperm(len(rows[0])), size):
            if len(chosen) == size:
                yield tuple(column[chosen] for column in rows)


def spelled(text: str) -> tuple[Tensor, int]:
    """A number for each character, and how many different ones there are."""
    alphabet = {letter: n for n, letter in enumerate(sorted(set(text)))}
    return torch.tensor([alphabet[letter] for letter in text]), len(alphabet)


def windows(text: Tensor, count: int, length: int) -> Iterator[Tensor]:
    """So many pieces of a text, anywhere in it."""
    while True:
        starts = torch.randint(len(text) - length, (count, 1))
        yield text[starts + torch.arange(length)]


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step against the gradient."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
