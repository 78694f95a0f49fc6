"""What is learned? The digits of scikit-learn, split once, and generators that draw from seeds of their own."""

from nissa.trainer.data.digits import BATCH_SIZE, N_CLASSES, N_TRAIN, Digits, batches, load_digits
from nissa.trainer.data.seeding import generator, seeded, stream

__all__ = ["BATCH_SIZE", "N_CLASSES", "N_TRAIN", "Digits", "batches", "generator", "load_digits", "seeded", "stream"]
