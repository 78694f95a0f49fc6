"""The data: scikit-learn's handwritten digits, which need no download."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from sklearn import datasets
from torch import Tensor

from nissa.trainer.data.seeding import generator

__all__ = ["BATCH_SIZE", "N_CLASSES", "N_TRAIN", "Digits", "batches", "digest", "load_digits"]

BATCH_SIZE = 64
N_CLASSES = 10
N_TRAIN = 1437
_SPLIT_SEED = 0
_BRIGHTEST = 16.0


class Digits(NamedTuple):
    """Images are float32 of shape (n, 1, 8, 8), scaled to 0..1; labels are int64 of shape (n,)."""

    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor


@cache
def load_digits() -> Digits:
    """1437 images to train on and 360 to validate on, always the same split."""
    bunch = datasets.load_digits()
    images = torch.tensor(bunch.data, dtype=torch.float32).view(-1, 1, 8, 8) / _BRIGHTEST
    labels = torch.tensor(bunch.target)
    order = torch.randperm(len(labels), generator=generator(_SPLIT_SEED))
    train, val = order[:N_TRAIN], order[N_TRAIN:]
    return Digits(images[train], labels[train], images[val], labels[val])


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
