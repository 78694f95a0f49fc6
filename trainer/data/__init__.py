"""What is learned? The digits of scikit-learn, split once, and generators with seeds of their own."""

from nissa.trainer.data.digits import (
    BATCH_SIZE,
    N_CLASSES,
    Digits,
    HeldOut,
    batches,
    digest,
    load_digits,
    load_held_out,
)
from nissa.trainer.data.seeding import generator, seeded, state_digest, stream

__all__ = [
    "BATCH_SIZE",
    "N_CLASSES",
    "Digits",
    "HeldOut",
    "batches",
    "digest",
    "generator",
    "load_digits",
    "load_held_out",
    "seeded",
    "state_digest",
    "stream",
]
