"""What an event holds after `emit` is its own, plain, and what a reader of the log will find."""

import enum
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import decode, encode
from nissa.events.kind import Importance, kind
from nissa.events.kinds import (
    KINDS,
    Action,
    BatchCompleted,
    DecisionMade,
    EpochCompleted,
    GateEvaluated,
    Payload,
    RunStarted,
    SeedCulled,
    SeedGerminated,
    SlotSnapshot,
)
from nissa.events.taking import UnreadableValueError, taken
from tests.events.test_codec import same
from tests.samples import event, payloads

MANY: Any = torch.zeros(3)
FAR: Any = torch.zeros((), device="meta")


class Stage(enum.StrEnum):
    TRAINING = "TRAINING"


def never(error: UnreadableValueError) -> None:
    raise AssertionError(error)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.float32(0.1), 0.10000000149011612),
        (np.array([0.5]), 0.5),
        (np.array(3), 3.0),
        (torch.tensor([30.0]), 30.0),
        (torch.tensor(2.0, requires_grad=True) * 2, 4.0),
        (torch.tensor(1.5, dtype=torch.bfloat16), 1.5),
        (3, 3.0),
        (True, 1.0),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        pytest.param(10**400, float("inf"), id="huge"),
        pytest.param(-(10**400), float("-inf"), id="hugely negative"),
    ],
)
def test_whatever_stands_for_a_number_becomes_that_number(value: Any, number: float) -> None:
    loss = taken(BatchCompleted(batch=0, loss=value), never).loss
    assert (type(loss), loss) == (float, number)


@pytest.mark.parametrize("value", [np.int64(7), torch.tensor(7), np.array([7]), 7.0, "7"])
def test_whatever_stands_for_a_whole_number_becomes_that_number(value: Any) -> None:
    batch = taken(BatchCompleted(batch=value, loss=0.0), never).batch
    assert (type(batch), batch) == (int, 7)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (Stage.TRAINING, "TRAINING"),
        (np.str_("early"), "early"),
        (Path("a/b"), "a/b"),
        (date(2026, 1, 2), "2026-01-02"),
        (ValueError("diverged"), "ValueError('diverged')"),
        ("half \ud83d", "half ?"),
        ("früh", "früh"),
    ],
)
def test_whatever_stands_for_a_name_becomes_text(value: Any, text: str) -> None:
    reason = taken(SeedCulled(slot="early", reason=value), never).reason
    assert (type(reason), reason) == (str, text)


def test_nothing_is_shared_with_the_trainer() -> None:
    norms, mask, slot = {"early": 0.5}, [True, False], SlotSnapshot(slot="early", stage="TRAINING", seed=None)
    loss: Any = torch.tensor(1.0)
    observation: Any = np.array([1.0, 2.0])
    batch = taken(BatchCompleted(batch=0, loss=loss, seed_grad_norms=norms), never)
    empty = taken(BatchCompleted(batch=0, loss=1.0, seed_grad_norms=(later := dict[str, float]())), never)
    epoch = taken(EpochCompleted(val_loss=1.0, slots=(slots := [slot])), never)
    decision = taken(DecisionMade(action=Action(op="WAIT"), observation=observation), never)
    norms["early"], later["late"], mask[0] = 9.0, 1.0, False
    loss += 1
    observation[0] = 9.0
    slots.clear()
    assert (batch.loss, batch.seed_grad_norms, empty.seed_grad_norms) == (1.0, {"early": 0.5}, {})
    assert [found.slot for found in epoch.slots] == ["early"]
    assert decision.observation == [1.0, 2.0]


def test_settings_are_what_they_were_at_emit_and_a_reader_finds_the_same() -> None:
    settings = {"lr": 0.1, "layers": [8, 8], "optimizer": SimpleNamespace(name="sgd"), "nan": float("nan")}
    started = taken(RunStarted(hyperparameters=settings), never)
    settings["layers"].append(9)  # type: ignore[attr-defined]
    assert started.hyperparameters == {"lr": 0.1, "layers": [8, 8], "optimizer": {"name": "sgd"}, "nan": "NaN"}
    assert decode(encode(event(started))).payload.hyperparameters == started.hyperparameters


def test_a_plain_payload_without_collections_is_not_copied() -> None:
    seed = SeedGerminated(slot="early", seed="s", blueprint="norm", params=1)
    assert taken(seed, never) is seed


def test_parts_and_collections_of_other_types_are_what_they_stand_for() -> None:
    told: Any = {"op": "CULL", "slot": Stage.TRAINING}
    parts: Any = MappingProxyType({1: 2})
    decision = taken(DecisionMade(action=told, reward=np.float64(1), reward_components=parts), never)
    assert decision.action == Action(op="CULL", slot="TRAINING")
    assert decision.reward_components == {"1": 2.0}


@pytest.mark.parametrize(
    ("payload", "field", "complaint"),
    [
        (BatchCompleted(batch=0, loss=MANY), "batch_completed.loss", "a Tensor"),
        (BatchCompleted(batch=0, loss=FAR), "batch_completed.loss", "make training wait"),
        (BatchCompleted(batch=0.5, loss=0.0), "batch_completed.batch", "whole number"),  # type: ignore[arg-type]
        (BatchCompleted(batch=0, loss=None), "batch_completed.loss", "must be told"),  # type: ignore[arg-type]
        (BatchCompleted(batch=0, loss="bad"), "batch_completed.loss", "it is bad"),  # type: ignore[arg-type]
        (BatchCompleted(batch=0, loss=1j), "batch_completed.loss", "1j"),  # type: ignore[arg-type]
        (
            SeedGerminated(slot="e", seed="s", blueprint=None),  # type: ignore[arg-type]
            "seed_germinated.blueprint",
            "must be a text",
        ),
        (
            GateEvaluated(slot="e", seed="s", gate="G0", target_stage="T", passed=2, checks=[], reason=""),  # type: ignore[arg-type]
            "gate_evaluated.passed",
            "true or false",
        ),
        (
            BatchCompleted(batch=0, loss=0.0, seed_grad_norms={"early": "x" * 999}),  # type: ignore[dict-item]
            "batch_completed.seed_grad_norms",
            "...",
        ),
    ],
)
def test_what_no_reader_would_take_is_refused_by_name(payload: Payload, field: str, complaint: str) -> None:
    with pytest.raises(UnreadableValueError, match=field) as refused:
        taken(payload, never)
    assert refused.value.field == field
    assert complaint in str(refused.value)
    assert len(str(refused.value)) < 350


def test_what_may_be_missing_costs_only_itself() -> None:
    doubts: list[UnreadableValueError] = []
    batch = taken(BatchCompleted(batch=0, loss=0.5, accuracy="high", host_grad_norm=torch.ones(1)), doubts.append)  # type: ignore[arg-type]
    assert (batch.loss, batch.accuracy, batch.host_grad_norm) == (0.5, None, 1.0)
    assert [doubt.field for doubt in doubts] == ["batch_completed.accuracy"]


def test_what_is_no_event_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^dict is no event: BatchCompleted\(batch=0, loss=0.7\) is one, and log"):
        taken({"loss": 1.0}, never)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"^the class BatchCompleted is no event"):
        taken(BatchCompleted, never)  # type: ignore[type-var]


def test_a_kind_of_the_trainers_own_is_taken_like_the_others() -> None:
    @kind(Importance.BULK)
    class PairSeen(Payload):
        pair: tuple[int, str]

    try:
        assert taken(PairSeen(pair=[np.int64(1), "a"]), never).pair == (1, "a")  # type: ignore[arg-type]
    finally:
        del KINDS["pair_seen"]


@settings(max_examples=300)
@given(st.sampled_from(list(KINDS.values())).flatmap(payloads), st.randoms(use_true_random=False))
def test_what_was_taken_is_what_a_reader_finds(payload: Any, random: Any) -> None:
    expected = same_in_disguise(payload)
    own = taken(disguised(payload, random), never)
    assert same(own, expected)
    assert same(decode(encode(event(own))).payload, own)
    assert not {id(part) for part in containers(own)} & {id(part) for part in containers(payload)}


def disguised(value: Any, random: Any) -> Any:
    """The same, as a trainer may hand it over."""
    if is_dataclass(value) and not isinstance(value, type):
        told = {f.name: disguised(getattr(value, f.name), random) for f in fields(value)}
        return replace(value, **told)
    match value:
        case dict():
            return MappingProxyType({key: disguised(item, random) for key, item in value.items()})
        case list():
            return tuple(disguised(item, random) for item in value)
        case bool() | float() | int():
            wide = torch.float64 if isinstance(value, float) else None
            return random.choice([value, np.asarray(value)[()], torch.tensor(value, dtype=wide)])
    return value


def same_in_disguise(payload: Any) -> Any:
    """Through a line and back, which is what the log would hold of it."""
    return decode(encode(event(payload))).payload


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)
    elif is_dataclass(value):
        for f in fields(value):
            yield from containers(getattr(value, f.name))
