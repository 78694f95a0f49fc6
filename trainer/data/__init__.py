"""What is learned? The digits of scikit-learn, split once, and generators with seeds of their own."""

from nissa.trainer.data.digits import BATCH_SIZE, N_CLASSES, Digits, HeldOut, batches, load_digits, load_held_out
from nissa.trainer.data.seeding import generator, seeded, stream

__all__ = [
    "BATCH_SIZE",
    "N_CLASSES",
    "Digits",
    "HeldOut",
    "batches",
    "generator",
    "load_digits",
    "load_held_out",
    "seeded",
    "stream",
]
