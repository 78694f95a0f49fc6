"""The context of a run: everything that it takes to start the same one again."""

import random
from pathlib import Path

import numpy as np
import torch

from nissa.events.kinds import RunStarted
from nissa.pipeline import run_context
from nissa.trainer.data import digest, load_digits
from nissa.trainer.network import ARCHITECTURE, SLOT_CHANNELS, n_params, new_host
from nissa.trainer.settings import Settings

__all__ = ["PACKAGES", "run_started", "seed_everything"]

PACKAGES = ("nissa", "numpy", "scikit-learn", "torch")
"""Libraries that the numbers depend on."""


def seed_everything(seed: int) -> None:
    """Seed the global generators, and use one thread: networks this small lose time by more."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)


def run_started(settings: Settings) -> RunStarted:
    """The process as it stands, with every setting."""
    return run_context.run_started(
        str(Path(__file__).resolve().parent),
        PACKAGES,
        base_seed=settings.seed,
        hyperparameters=settings.hyperparameters(),
        task_type="classification",
        n_envs=settings.envs,
        n_episodes=settings.episodes,
        max_epochs=settings.epochs,
        host_architecture=ARCHITECTURE,
        host_params=n_params(new_host(settings.seed)),
        slot_config={**SLOT_CHANNELS},
        data_digest=digest(load_digits()),
    )
