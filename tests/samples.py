"""Events for tests: one of each kind made from its types, and small stories told in life-cycle events."""

import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    KINDS,
    BatchCompleted,
    CounterfactualMeasured,
    CounterfactualResult,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    HeadEntropy,
    HostBaselineEpoch,
    HostBaselineMeasured,
    Payload,
    PolicyUpdated,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.events.units import Count, Measure

__all__ = [
    "episode_ended",
    "episode_started",
    "epoch_completed",
    "event",
    "events",
    "payloads",
    "policy_updated",
    "run_started",
    "scopes",
    "stories",
]

NUMBERS = st.floats(width=64)
NAMES = st.text(min_size=0, max_size=8)


def event(payload: Payload, seq: int = 0, time: float = 0.0, **where: Any) -> Event[Any]:
    """An event as the hub would make it."""
    return Event(seq, time, Scope(**{"run": "test", **where}), payload)


def scopes() -> st.SearchStrategy[Scope]:
    """Any scope."""
    number = st.none() | st.integers(0, 99)
    return st.builds(Scope, run=NAMES, group=st.none() | NAMES, env=number | NAMES, episode=number, epoch=number)


def payloads(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any payload of a kind, within its ranges, NaN and infinities included."""
    # A strategy takes longer to make than to draw from.
    if kind not in _MADE:
        hints = typing.get_type_hints(kind, include_extras=True)
        _MADE[kind] = st.builds(kind, **{f.name: _values(hints[f.name]) for f in fields(kind)})
    return _MADE[kind]


_MADE: dict[type[Any], st.SearchStrategy[Any]] = {}


def events() -> st.SearchStrategy[Event[Any]]:
    """Any event of any kind."""
    payload = st.sampled_from(list(KINDS.values())).flatmap(payloads)
    return st.builds(Event, st.integers(0, 2**40), st.floats(0, 2e9), scopes(), payload)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _annotated(arguments[0], arguments[1])
    if origin is list:
        return st.lists(_values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(NAMES, _values(arguments[1]), max_size=3)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(_values, arguments))
    if is_dataclass(hint):
        return payloads(typing.cast("type[Any]", hint))
    return {
        type(None): st.none(),
        str: NAMES,
        int: st.integers(-(2**53), 2**53),
        bool: st.booleans(),
        Any: _values_of_json(),
    }[hint]


def _annotated(base: type, measure: Any) -> st.SearchStrategy[Any]:
    if base is int:
        return st.integers(0, 2**53)
    assert isinstance(measure, Measure), (measure, Count)
    broken = st.sampled_from([float("nan"), float("inf"), float("-inf")])
    return broken | st.floats(measure.ge, measure.le, allow_nan=False, allow_infinity=False)


def _values_of_json() -> st.SearchStrategy[Any]:
    return st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | NAMES


BLUEPRINTS = ("norm", "depthwise", "attention")
IMPROVEMENTS = st.none() | st.floats(-50, 50)


@st.composite
def stories(draw: st.DrawFn, envs: int = 3, group: str | None = "ppo") -> list[Event[Any]]:
    """A run in which environments grow seeds in any order: whole, cut short, without a start, or with a lost birth."""
    told: list[Event[Any]] = []
    episodes = dict.fromkeys(range(envs), 0)
    for turn in draw(st.lists(st.tuples(st.integers(0, envs - 1), _turns()), max_size=40)):
        env, payload = turn
        if isinstance(payload, EpisodeStarted):
            episodes[env] += 1
        told.append(event(payload, seq=len(told), group=group, env=env, episode=episodes[env], epoch=len(told)))
    return told


@cache
def _turns() -> st.SearchStrategy[Payload]:
    seed = {"slot": st.sampled_from(("early", "late")), "seed": st.sampled_from(("s1", "s2"))}
    known, maybe = st.sampled_from(BLUEPRINTS), st.none() | st.sampled_from(BLUEPRINTS)
    age, size = st.integers(0, 9), st.integers(0, 500)
    ended: dict[str, Any] = {**seed, "blueprint": maybe, "improvement": IMPROVEMENTS, "epochs_total": age}
    return st.one_of(
        st.builds(episode_started, host_params=st.sampled_from((0, 1000))),
        st.builds(SeedGerminated, **seed, blueprint=known, params=size, flops=st.none() | size),
        st.builds(SeedFossilized, **ended, params_added=size),
        st.builds(SeedCulled, **ended, reason=st.just("late"), initiator=st.just("policy")),
        st.builds(epoch_completed, val_accuracy=st.integers(0, 5).map(float), total_seed_params=size),
        st.builds(episode_ended),
        *_comparisons(),
        *_troubles(),
    )


def _comparisons() -> tuple[st.SearchStrategy[Payload], ...]:
    """Twins, whole or in part, at any time, and factorials of which some rows are missing."""
    accuracy = st.integers(0, 9).map(float)
    rows = st.builds(
        CounterfactualResult,
        config=st.lists(st.booleans(), min_size=2, max_size=2),
        alpha_settings=st.just({}),
        val_accuracy=accuracy,
    )
    ends: dict[str, Any] = {"initial_accuracy": accuracy, "final_accuracy": accuracy, "epochs": st.integers(1, 40)}
    known: dict[str, Any] = {"initial_loss": st.just(1.0), "final_loss": st.just(1.0), "host_params": st.just(1000)}
    return (
        st.builds(HostBaselineEpoch, val_accuracy=accuracy),
        st.builds(HostBaselineMeasured, **ends, **known),
        st.builds(CounterfactualMeasured, slots=st.just(["early", "late"]), results=st.lists(rows, max_size=4)),
    )


def _troubles() -> tuple[st.SearchStrategy[Payload], ...]:
    """Batches, gates and updates, some of which are out of order."""
    loss, broken = st.sampled_from((1.0, 1.1, 9.0)), float("inf")
    where: dict[str, Any] = {"seed": st.just("s1"), "blueprint": st.just("norm"), "gate": st.just("G2")}
    gate = {"target_stage": st.just("BLENDING"), "passed": st.booleans(), "checks": st.just([]), "reason": st.just("")}
    norm: dict[str, Any] = {"accuracy": st.just(50.0), "seed_grad_norms": st.just({"early": 1.0})}
    return (
        st.builds(BatchCompleted, batch=st.just(0), loss=loss | st.just(broken), host_grad_norm=loss, **norm),
        st.builds(GateEvaluated, slot=st.sampled_from(("early", "late")), **where, **gate),
        st.builds(
            policy_updated, approx_kl=st.sampled_from((0.01, 2.0, broken)), ratio_max=st.sampled_from((1.5, 90.0))
        ),
    )


def policy_updated(**figures: float) -> PolicyUpdated:
    """An update of a healthy policy, but for what is said."""
    ones = dict.fromkeys(("policy_loss", "value_loss", "entropy", "value_mean", "grad_norm"), 1.0)
    ones |= {"value_std": 1.0, "return_mean": 1.0, "return_std": 1.0, "learning_rate": 3e-4}
    usual: dict[str, Any] = {"approx_kl": 0.01, "clip_fraction": 0.1, "explained_variance": 0.8, "ratio_max": 1.5}
    heads = {"op": HeadEntropy(entropy=44.0, log_valid=55.0, decisions=80, mean_policy_entropy=0.6)}
    return PolicyUpdated(update=0, decisions=90, heads=heads, early_stopped=False, **ones, **(usual | figures))


def episode_started(host_params: int = 1000, host_flops: int | None = 5000) -> EpisodeStarted:
    """An episode's start, as far as operators look at it."""
    return EpisodeStarted(
        policy="ppo",
        torch_seed=1,
        data_seed=2,
        task_type="classification",
        max_epochs=45,
        host_architecture="cnn_3block",
        host_params=host_params,
        host_flops=host_flops,
        slot_config={"early": 8, "late": 16},
        hyperparameters={},
    )


def run_started() -> RunStarted:
    """A run's start, as far as sinks look at it."""
    return RunStarted(
        base_seed=7,
        rng_digests={},
        versions={},
        hardware={},
        hyperparameters={"lr": 0.1},
        task_type="classification",
        n_envs=1,
        max_epochs=2,
        host_architecture="cnn",
        host_params=1250,
        slot_config={},
    )


def epoch_completed(val_accuracy: float, total_seed_params: int = 0, host_params: int = 1000) -> EpochCompleted:
    """An epoch, as far as operators look at it."""
    return EpochCompleted(
        train_loss=1.0,
        train_accuracy=50.0,
        val_loss=1.0,
        val_accuracy=val_accuracy,
        n_val=360,
        host_params=host_params,
        total_seed_params=total_seed_params,
        total_params=host_params + total_seed_params,
        fossilized_params=0,
        host_grad_norm=1.0,
        seed_grad_norms={},
        slots=[],
    )


def episode_ended(outcome: str = "completed") -> EpisodeEnded:
    """An episode's end, as far as operators look at it."""
    return EpisodeEnded(
        outcome=outcome,
        final_accuracy=50.0,
        final_loss=1.0,
        total_reward=1.0,
        epochs=45,
        growth_ratio=1.0,
        germinated=0,
        fossilized=0,
        culled=0,
    )
