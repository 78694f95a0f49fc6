"""Everything drawn from a seed of its own, and the global generators left as they were."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["generator", "seeded"]


def generator(seed: int) -> torch.Generator:
    """A private generator on the CPU, so that nobody else's draws shift its own."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator starts from `seed`; afterwards it stands where it stood.

    For what takes no generator: the initialization of `torch.nn` layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
