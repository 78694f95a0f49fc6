"""The data: scikit-learn's handwritten digits, which need no download.

1,797 images, split once: 1,077 to train on, 360 to validate on, and 360 held out, for a judgement that nothing before
it has seen.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from sklearn import datasets
from torch import Tensor

from nissa.trainer.data.seeding import generator

__all__ = [
    "BATCH_SIZE",
    "N_CLASSES",
    "Digits",
    "HeldOut",
    "batches",
    "digest",
    "load_digits",
    "load_held_out",
]

BATCH_SIZE = 64
N_CLASSES = 10
_N_TRAIN, _N_HELD_OUT = 1077, 360
_SPLIT_SEED = 0
_BRIGHTEST = 16.0


class Digits(NamedTuple):
    """Images are float32 of shape (n, 1, 8, 8), scaled to 0..1; labels are int64 of shape (n,)."""

    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor


class HeldOut(NamedTuple):
    """Images and labels as in `Digits`."""

    images: Tensor
    labels: Tensor


@cache
def load_digits() -> Digits:
    """1,077 images to train on and 360 to validate on, always the same ones."""
    images, labels, train, _, val = _split()
    return Digits(images[train], labels[train], images[val], labels[val])


@cache
def load_held_out() -> HeldOut:
    """The other 360. Nobody decides by them: no training, no gate, no reward, no policy."""
    images, labels, _, held_out, _ = _split()
    return HeldOut(images[held_out], labels[held_out])


def digest(data: Digits) -> str:
    """SHA-256 over the bits of all images and labels, in hex: the same data in the same split."""
    found = hashlib.sha256()
    for tensor in data:
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def batches(data: Digits, order: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of (images, labels) in an order drawn from `order`; the last batch is what is left over."""
    shuffled = torch.randperm(len(data.train_labels), generator=order)
    for rows in torch.split(shuffled, BATCH_SIZE):
        yield data.train_images[rows], data.train_labels[rows]


def _split() -> tuple[Tensor, ...]:
    """All images and labels, and the rows that are trained on, held out and validated on."""
    bunch = datasets.load_digits()
    images = torch.tensor(bunch.data, dtype=torch.float32).view(-1, 1, 8, 8) / _BRIGHTEST
    order = torch.randperm(len(bunch.target), generator=generator(_SPLIT_SEED))
    sizes = (_N_TRAIN, _N_HELD_OUT, len(order) - _N_TRAIN - _N_HELD_OUT)
    return (images, torch.tensor(bunch.target), *torch.split(order, list(sizes)))
