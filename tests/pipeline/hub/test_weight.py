"""What an event weighs: within a factor of what tracemalloc sees, whatever its fields hold."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from nissa.events.codec import Unknown
from nissa.events.kinds import (
    BatchCompleted,
    EpochCompleted,
    Payload,
    PhaseTimed,
    RunStarted,
    SeedCulled,
    SlotSnapshot,
)
from nissa.pipeline.hub.weight import FLAT, weight


def text(size: int) -> str:
    return "".join(map(str, range(size // 6)))


def slots(number: int) -> list[SlotSnapshot]:
    return [SlotSnapshot(slot=text(600), stage="TRAINING", last_gate_reason=text(600)) for _ in range(number)]


LARGE: list[Callable[[], Payload]] = [
    lambda: SeedCulled(slot="s", reason=text(1_000_000), initiator="gate", epochs_total=1),
    lambda: BatchCompleted(batch=0, loss=1.0, seed_grad_norms={f"slot{n}": n / 3 for n in range(20_000)}),
    lambda: PhaseTimed(durations={f"phase{n}": n / 3 for n in range(20_000)}),
    lambda: RunStarted(hyperparameters={"rates": [n / 3 for n in range(50_000)], "nested": {"note": text(500_000)}}),
    lambda: RunStarted(versions={"a": text(1_000_000)}),
    lambda: EpochCompleted(slots=slots(500)),
    lambda: Unknown("new", {"rows": [{"name": text(200), "value": n / 3} for n in range(3_000)]}),
]


@pytest.mark.parametrize("make", LARGE)
def test_a_large_event_weighs_about_what_it_holds(make: Callable[[], Payload]) -> None:
    tracemalloc.start()
    payload = make()
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert traced > 200_000
    assert traced / 2.5 < weight(payload) < 2.5 * traced


def test_a_small_event_weighs_little_more_than_nothing() -> None:
    assert weight(BatchCompleted(batch=0, loss=1.0, seed_grad_norms={"early": 1.0, "mid": 2.0})) < 2 * FLAT


def test_a_list_that_holds_itself_has_a_weight() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert weight(RunStarted(hyperparameters={"a": endless})) > FLAT
