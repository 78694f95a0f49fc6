"""What do trainings tell? Healthy ones with 1, 16 and 64 environments, an ill one, and a demo as it was recorded."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random

from nissa.events.event import Scope
from nissa.events.kinds import BatchCompleted, EpochCompleted, Heartbeat, Payload, RunEnded
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.workload import decision, epoch, mix
from tests.samples import episode_ended, episode_started

__all__ = ["MIXES", "Mix", "emit_all", "healthy"]

Mix = list[tuple[Scope, Payload]]
_EPISODE = 45
"""Epochs of an episode."""
_BATCHES = 38
"""Batches of an epoch, so that 19 of 20 events are batches."""


def emit_all(telemetry: Telemetry, story: Mix) -> None:
    """Emit a mix as so many loops would that hold an emitter each."""
    emitters: dict[tuple[object, ...], Emitter] = {}
    for scope, payload in story:
        if (emitter := emitters.get(scope[1:3])) is None:
            emitter = emitters[scope[1:3]] = telemetry.scope(group=scope.group, env=scope.env)
        emitter.move(episode=scope.episode, epoch=scope.epoch)
        emitter.emit(payload)


def healthy(environments: int, events: int = 60_000) -> Mix:
    """Losses and norms that are noisy and fall, accuracies that rise; environments take turns batch by batch."""
    rounds = max(1, events // (environments * (_BATCHES + 2)))
    return [*chain.from_iterable(_round(environments, n, Random(n)) for n in range(rounds))]


def _round(environments: int, n: int, random: Random) -> Iterator[tuple[Scope, Payload]]:
    """An epoch of every environment."""
    at, progress = n % _EPISODE + 1, 1 / (1 + n % _EPISODE)
    scopes = [Scope("bench", "ppo", env, n // _EPISODE, at) for env in range(environments)]
    if at == 1:
        yield from ((scope, episode_started()) for scope in scopes)
    for number in range(_BATCHES):
        yield from ((scope, _batch(number, progress, random)) for scope in scopes)
    yield from ((scope, _epoch(n, progress, random)) for scope in scopes)
    yield from ((scope, decision()) for scope in scopes)
    if at == _EPISODE:
        yield from ((scope, episode_ended()) for scope in scopes)


def _batch(number: int, progress: float, random: Random) -> BatchCompleted:
    loss, host, early, late = (random.lognormvariate(0.0, 0.1) for _ in range(4))
    return BatchCompleted(
        batch=number,
        loss=(0.3 + progress) * loss,
        accuracy=90.0,
        host_grad_norm=host,
        seed_grad_norms={"early": 0.3 * early, "late": 0.1 * late},
        isolation_leakage=0.0,
    )


def _epoch(n: int, progress: float, random: Random) -> EpochCompleted:
    accuracy = 92.0 - 20.0 * progress + random.gauss(0.0, 0.3)
    return replace(epoch(n), train_loss=0.3 + progress, val_loss=0.3 + progress, val_accuracy=accuracy)


def _ill(events: int = 60_000) -> Mix:
    """Accuracy falls by 6 points after each 7 epochs, so that alerts stand in a quarter of the batches."""
    return [(Scope("bench", "ppo", 0, *place), payload) for *place, payload in mix(events // 26)]


@cache
def _demo() -> Mix:
    """What a short demo emits: trained now, all that it told but the account of its own pipeline."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "run"
        command = [sys.executable, "-m", "nissa.cli.main", "demo", "--episodes", "2", "--no-color", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        told = [event for event in read_log(out, Reading()) if not event.ordinal]
    return [(event.scope, event.payload) for event in told if not isinstance(event.payload, Heartbeat | RunEnded)]


MIXES: dict[str, Callable[[], Mix]] = {
    "healthy, 1 environment": lambda: healthy(1),
    "healthy, 16 environments": lambda: healthy(16),
    "healthy, 64 environments": lambda: healthy(64),
    "a demo, recorded": _demo,
    "an ill one": _ill,
}
"""By name: 95% batches, but for the demo's 73% and the ill one's 88%."""
