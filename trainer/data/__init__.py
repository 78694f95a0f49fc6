"""What is learned? The digits of scikit-learn, split once, and generators that draw from seeds of their own."""

from nissa.trainer.data.digits import BATCH_SIZE, N_CLASSES, N_TRAIN, Digits, batches, digest, load_digits
from nissa.trainer.data.seeding import generator, seeded, state_digest, stream

__all__ = [
    "BATCH_SIZE",
    "N_CLASSES",
    "N_TRAIN",
    "Digits",
    "batches",
    "digest",
    "generator",
    "load_digits",
    "seeded",
    "state_digest",
    "stream",
]
