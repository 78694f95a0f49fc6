"""float16 with a GradScaler: steps that it leaves out are no broken training, and a broken training still is one."""

from math import isfinite
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, BatchCompleted, EpochAssessed, EpochCompleted
from nissa.operators.overflow import LASTING
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry


def trained(
    scaler: torch.amp.GradScaler, steps: int, profile: str = "research", poison: int | None = None
) -> list[Any]:
    """What comes of an epoch as torch's documentation has it; from the step `poison` on a loss is infinite."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer, seen = torch.optim.SGD(network.parameters(), 0.1), list[Any]()

    def see(event: Event[Any]) -> None:
        seen.append(event.payload)

    with Telemetry("scaled", config=profile, sinks={"seen": see}) as telemetry:
        watch = Watch(telemetry, network)
        watch.emitter.move(epoch=1)
        for step in range(steps):
            inputs, labels = torch.randn(64, 16), torch.randint(4, (64,))
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                loss = cross_entropy(network(inputs), labels) * (float("inf") if step == poison else 1.0)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            scaler.unscale_(optimizer)
            watch.step()
            norm = nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            watch.emitter.emit(BatchCompleted(batch=step, loss=0.5, host_grad_norm=norm.item()))
            scaler.step(optimizer)
            scaler.update()
        watch.epoch(inputs, labels)
        with torch.no_grad():
            val = cross_entropy(network(inputs), labels).item()
        watch.emitter.emit(EpochCompleted(val_loss=val))
    return seen


def critical(seen: list[Any]) -> set[str | None]:
    return {row.subject for row in seen if isinstance(row, AlertRaised) and row.severity == "critical"}


def assessed(seen: list[Any]) -> EpochAssessed:
    (row,) = (row for row in seen if isinstance(row, EpochAssessed))
    return row


@pytest.mark.parametrize("profile", ["standard", "research"])
def test_a_scaler_that_looks_for_its_scale_is_no_alert(profile: str) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)
    seen = trained(scaler, 30, profile)
    assert scaler.get_scale() < 2.0**24
    norms = [row.host_grad_norm for row in seen if isinstance(row, BatchCompleted)]
    assert not all(isfinite(norm or 0.0) for norm in norms), "steps were left out"
    assert critical(seen) == set()
    row = assessed(seen)
    assert (row.red_flags, row.learning, "ot finite" in row.narrative) == ([], "starting", False)


def test_gradients_that_stay_broken_are_critical_though_no_weight_is_touched() -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100, backoff_factor=0.99)
    seen = trained(scaler, LASTING + 1)
    assert critical(seen) >= {"host", "host.0", "host.2"}
    row = assessed(seen)
    assert row.red_flags[0] == "non_finite"
    assert "Gradients not finite in host.0" in row.narrative


def test_weights_that_break_are_critical_at_the_end_of_their_epoch_at_the_latest() -> None:
    off = torch.amp.GradScaler("cpu", enabled=False)
    seen = trained(off, 5, poison=3)
    assert {"weights of host.0", "weights of host.2"} <= critical(seen)
    assert assessed(seen).learning == "broken"
