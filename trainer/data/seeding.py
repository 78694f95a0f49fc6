"""Everything drawn from a seed of its own, and the global generators left as they were.

>>> stream("actions", 0) != stream("minibatches", 0) != stream("minibatches", 1)
True
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["generator", "seeded", "state_digest", "stream"]


def stream(name: str, *numbers: int) -> int:
    """A seed for what is drawn under this name and these numbers: related to that of no other name or numbers."""
    return int.from_bytes(hashlib.sha256(repr((name, *numbers)).encode()).digest()[:8], "big")


def generator(seed: int) -> torch.Generator:
    """A private generator on the CPU, so that nobody else's draws shift its own."""
    return torch.Generator().manual_seed(seed)


def state_digest(draws: torch.Generator) -> str:
    """SHA-256 of a generator's state, in hex; reading it draws nothing."""
    return hashlib.sha256(draws.get_state().numpy().tobytes()).hexdigest()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator starts from `seed`; afterwards it stands where it stood.

    For what takes no generator: the initialization of `torch.nn` layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
