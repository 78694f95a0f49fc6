"""Runs for tests of the collector: told in life-cycle events, recorded in one process, and stripped of what follows."""

import math
import os
import random
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from nissa.events.kinds import BatchCompleted, EpochCompleted, SeedCulled, SeedFossilized, SeedGerminated
from nissa.pipeline.collector import CollectedRun
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from tests.operators.raised import configured
from tests.samples import episode_ended, episode_started
from tests.waiting import LIMIT

__all__ = ["DERIVED", "LOG", "collected", "cuts", "emitted_only", "following", "recorded", "tell_epoch"]

LOG, DERIVED = "events-000001.jsonl", "derived-000001.jsonl"


def tell_epoch(telemetry: Telemetry, env: int, epoch: int) -> None:
    """Twenty batches of one environment: in epoch 6 the loss jumps, in epoch 9 it is lost; seeds come and go."""
    scope = telemetry.scope(group="ppo", env=env, episode=0, epoch=epoch)
    seed: dict[str, Any] = {"slot": "early", "seed": f"s{epoch - 1}", "blueprint": "norm", "epochs_total": 1}
    if epoch == 1:
        scope.emit(episode_started())
    elif epoch % 2:
        scope.emit(SeedFossilized(**seed, params_added=4, improvement=1.0))
    else:
        scope.emit(SeedCulled(**seed, improvement=-1.0, reason="late", initiator="policy"))
    scope.emit(SeedGerminated(slot="early", seed=f"s{epoch}", blueprint="norm", params=4))
    for batch in range(20):
        loss = 9.0 if epoch == 6 else math.nan if epoch == 9 else 1.0
        scope.emit(BatchCompleted(batch=batch, loss=loss + (7 * batch + env) % 5 / 100))
    scope.emit(EpochCompleted(val_loss=1.0 / epoch, val_accuracy=50.0 + epoch))
    if epoch == 10:
        scope.emit(episode_ended())


def recorded(out: Path, epochs: int = 10) -> bytes:
    """The log of a run of three environments in one process: what follows stands in it."""
    with Telemetry("run", out=out) as telemetry:
        telemetry.emit(configured(mode="adaptive", dense_budget=1.0))
        for epoch in range(1, epochs + 1):
            for env in range(3):
                tell_epoch(telemetry, env, epoch)
        assert telemetry.flush(LIMIT)
    (log,) = segments(out)
    return log.read_bytes()


def emitted_only(log: bytes) -> bytes:
    """A log without what follows, as a trainer with a collector writes it."""
    return b"".join(line for line in log.splitlines(keepends=True) if b'"cause":' not in line[:120])


def following(log: bytes) -> bytes:
    """The lines that `emitted_only` leaves out."""
    return b"".join(line for line in log.splitlines(keepends=True) if b'"cause":' in line[:120])


def collected(directory: Path) -> CollectedRun:
    """A run of which nobody writes any more, worked off."""
    for log in segments(directory):
        os.utime(log, (0, 0))
    with closing(CollectedRun(directory, {}, FaultLog())) as run:
        while not run.finished:
            run.step()
    return run


def cuts(content: bytes, chance: random.Random, pieces: int) -> list[bytes]:
    """The content in pieces, cut anywhere."""
    places = [0, *sorted(chance.randrange(len(content) + 1) for _ in range(pieces - 1)), len(content)]
    return [content[begin:end] for begin, end in pairwise(places)]
