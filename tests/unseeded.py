"""Runs in which nothing grows: a plain trainer's, as in docs/trainers.md, and a policy alone."""

from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from nissa import Telemetry, Watch
from nissa.events import BatchCompleted, EpisodeEnded, EpochCompleted, HeadEntropy, PolicyUpdated

__all__ = ["plain", "policy"]


def plain(run: Path) -> None:
    """A watched loop that tells batches and epochs."""
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 2)
    inputs, labels = torch.randn(8, 4), torch.randint(2, (8,))
    with Telemetry("plain", out=run) as telemetry:
        watch = Watch(telemetry, model, emitter=telemetry.scope(env=0))
        for epoch in range(1, 5):
            watch.emitter.move(epoch=epoch)
            for batch in range(10):
                loss = cross_entropy(model(inputs), labels)
                model.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                watch.step()
                watch.emitter.emit(BatchCompleted(batch=batch, loss=loss.item()))
            watch.epoch(inputs, labels)
            watch.emitter.emit(EpochCompleted(val_loss=1 / epoch))


def policy(run: Path) -> None:
    """What CleanRL tells there."""
    head = HeadEntropy(entropy=80.0, log_valid=88.7, decisions=128, mean_policy_entropy=0.6)
    with Telemetry("policy", out=run) as telemetry:
        told = telemetry.scope(group="ppo")
        for update in range(8):
            told.bind(env=0, episode=update).emit(EpisodeEnded(outcome="completed", total_reward=1.0 + update))
            told.emit(PolicyUpdated(update=update, approx_kl=0.01, heads={"action": head}))
