"""Every field of every kind is fed by a real run, with numbers that are in range and agree with each other."""

import hashlib
from collections import defaultdict
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch

from nissa.events import codec
from nissa.events.event import Event
from nissa.events.kinds import (
    KINDS,
    BatchCompleted,
    CounterfactualMeasured,
    DecisionMade,
    DecisionsScored,
    EpisodeEnded,
    EpochCompleted,
    HostBaselineMeasured,
    PhaseTimed,
    PolicyUpdated,
    RunStarted,
    SeedGerminated,
    StageChanged,
)
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.network.host import new_host
from nissa.trainer.run import Settings, train
from tests.waiting import LIMIT

Events = list[Event[Any]]
OF_THE_PIPELINE = {"heartbeat", "run_ended", "run_resumed", "events_dropped"}
EMITTED = {name for name, kind in KINDS.items() if not kind.derived} - OF_THE_PIPELINE - {"foreign_event_carried"}
OF_JOBS, OF_DEEP_NETWORKS = {"StepTimed"}, {"LayerGroup", "LayerSample", "Spread"}
"""This trainer is no rank of a job, and its network is small: these are fed in test_liveness.py."""
OTHERS = {
    *(("RunStarted", name) for name in ("job", "rank", "world_size")),
    *(("GradientsMeasured", name) for name in ("norm_share", "norms_se")),
    *((layer, "group") for layer in ("LayerActivations", "LayerGradients", "LayerWeights")),
    *(("LayerGradients", "sample"), ("LayerWeights", "update_ratio_se")),
}
"""Likewise, single fields."""


@pytest.fixture(scope="module")
def by_ppo(demo: Path) -> Events:
    """What the log of the demo says: three rounds of two episodes under PPO."""
    events: Events = []
    replay(demo, [events.append])
    return events


@pytest.fixture(scope="module")
def by_rule() -> Events:
    """One whole episode under the heuristic, as it is emitted."""
    events: Events = []
    with Telemetry("recorded", sinks={"seen": events.append}, config="research") as telemetry:
        train(Settings(policy="heuristic", envs=1, episodes=1, epochs=45, seed=0), telemetry)
        assert telemetry.flush(LIMIT)
    return events


@pytest.fixture(scope="module")
def turned() -> Events:
    """An epoch at which the probes look closely, as somebody asks for by hand."""
    events: Events = []
    with Telemetry("turned", sinks={"seen": events.append}) as telemetry:
        telemetry.fidelity = "dense"
        train(Settings(policy="never", envs=1, episodes=1, epochs=1, seed=0), telemetry)
        assert telemetry.flush(LIMIT)
    return events


@pytest.fixture(scope="module")
def events(by_ppo: Events, by_rule: Events, turned: Events) -> Events:
    return [*by_ppo, *by_rule, *turned]


def of(events: Events, kind: type[Any]) -> Events:
    return [event for event in events if isinstance(event.payload, kind)]


def fed(value: Any, found: set[tuple[str, str]]) -> None:
    """Collect (class, field) of all that is not None, parts of payloads too."""
    if is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            if inner is not None:
                found.add((type(value).__name__, field.name))
                fed(inner, found)
    elif isinstance(value, dict):
        for inner in value.values():
            fed(inner, found)
    elif isinstance(value, list):
        for inner in value:
            fed(inner, found)


def declared(kind: Any, found: set[tuple[str, str]]) -> None:
    """(class, field) of a kind and of its parts."""
    for name, hint in get_type_hints(kind).items():
        if name in {field.name for field in fields(kind)}:
            found.add((kind.__name__, name))
            for part in _parts(hint):
                declared(part, found)


def _parts(hint: Any) -> list[Any]:
    return [hint] if is_dataclass(hint) else [part for inner in get_args(hint) for part in _parts(inner)]


def test_every_field_of_every_kind_is_measured_somewhere(events: Events) -> None:
    there: set[tuple[str, str]] = set()
    wanted: set[tuple[str, str]] = set()
    for event in events:
        fed(event.payload, there)
    for name in EMITTED:
        declared(KINDS[name], wanted)
    # The commit is there in a checkout, which this may not be; the others need a GPU.
    absent = {("MemoryMeasured", name) for name in ("allocated", "allocated_peak", "reserved")}
    wanting = {(kind, name) for kind, name in wanted - there if kind not in OF_DEEP_NETWORKS | OF_JOBS}
    assert wanting <= {("RunStarted", "git_commit"), *absent, *OTHERS}


def test_every_event_passes_the_codec_and_comes_back_as_it_was(events: Events) -> None:
    for event in events:
        back = codec.decode(codec.encode(event))
        assert back.scope == event.scope
        assert codec.encode(back) == codec.encode(event)


def test_events_say_where_they_happened(by_ppo: Events) -> None:
    for event in by_ppo:
        scope, payload = event.scope, event.payload
        if isinstance(payload, BatchCompleted | EpochCompleted | DecisionMade | StageChanged):
            assert scope.group == "ppo"
            assert None not in (scope.env, scope.episode, scope.epoch)
            assert scope.epoch in range(1, 46)
        if isinstance(payload, PolicyUpdated):
            assert (scope.group, scope.env) == ("ppo", None)
    first = by_ppo[0]
    assert isinstance(first.payload, RunStarted)
    assert first.scope.group is None


def test_each_environment_tells_of_each_batch_and_epoch_once(by_ppo: Events) -> None:
    epochs = [tuple(event.scope[2:]) for event in of(by_ppo, EpochCompleted)]
    assert sorted(epochs) == [(env, ep, n) for env in range(2) for ep in range(3) for n in range(1, 46)]
    batches = defaultdict(list)
    for event in of(by_ppo, BatchCompleted):
        batches[event.scope].append(event.payload.batch)
    assert all(numbers == list(range(17)) for numbers in batches.values())


def test_an_epoch_is_the_sum_of_its_batches_and_of_its_slots(by_ppo: Events) -> None:
    batches = defaultdict(list)
    for event in of(by_ppo, BatchCompleted):
        batches[event.scope].append(event.payload)
    sizes = torch.tensor([64.0] * 16 + [53.0])
    for event in of(by_ppo, EpochCompleted):
        epoch, parts = event.payload, batches[event.scope]
        loss = (torch.tensor([batch.loss for batch in parts]) * sizes).sum() / sizes.sum()
        assert epoch.train_loss == pytest.approx(loss.item(), rel=1e-5)
        assert epoch.host_grad_norm == pytest.approx(sum(b.host_grad_norm for b in parts) / 17)
        assert epoch.total_seed_params == sum(slot.seed_params for slot in epoch.slots)
        assert epoch.total_params == 1256 + epoch.total_seed_params
        assert set(epoch.seed_grad_norms) == {slot.slot for slot in epoch.slots if slot.seed}
        isolated = any(slot.stage in ("GERMINATED", "TRAINING") for slot in epoch.slots)
        assert epoch.isolation_leakage == (0.0 if isolated else None)
        assert epoch.n_val == 360


def test_the_counterfactual_with_all_seeds_on_is_the_epochs_validation(events: Events) -> None:
    accuracies = {(id(events), event.scope): event.payload for event in of(events, EpochCompleted)}
    measured = of(events, CounterfactualMeasured)
    assert measured
    for event in measured:
        epoch = accuracies[id(events), event.scope]
        whole = event.payload.results[-1]
        assert all(whole.config)
        assert whole.val_accuracy == epoch.val_accuracy
        slots = {slot.slot: slot for slot in epoch.slots}
        for off, name in enumerate(event.payload.slots):
            without = [i != off for i in range(len(event.payload.slots))]
            (result,) = (result for result in event.payload.results if result.config == without)
            assert slots[name].counterfactual_contribution == whole.val_accuracy - result.val_accuracy
            assert slots[name].alpha == whole.alpha_settings[name]


def test_a_decision_carries_what_its_own_epoch_earned(by_ppo: Events) -> None:
    accuracy = {event.scope: event.payload.val_accuracy for event in of(by_ppo, EpochCompleted)}
    for event in of(by_ppo, DecisionMade):
        decision, epoch = event.payload, event.scope.epoch or 0
        assert decision.reward == pytest.approx(sum(decision.reward_components.values()))
        assert decision.accuracy_delta == decision.reward_components["accuracy"]
        before = accuracy.get(event.scope._replace(epoch=epoch - 1))
        if before is not None:
            assert decision.accuracy_delta == accuracy[event.scope] - before
            assert decision.observation[2] == pytest.approx(before / 100)


def test_scores_belong_to_their_decisions(by_ppo: Events) -> None:
    rows = of(by_ppo, DecisionsScored)
    assert [(event.scope.env, event.scope.episode) for event in rows] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (0, 2),
        (1, 2),
    ]
    assert all(event.scope.epoch is None for event in rows)
    values = {event.scope: event.payload.value for event in of(by_ppo, DecisionMade)}
    for event in rows:
        scored = event.payload
        for epoch, advantage, target in zip(scored.epochs, scored.advantages, scored.returns, strict=True):
            assert target - advantage == pytest.approx(values[event.scope._replace(epoch=epoch)])


def test_stages_follow_each_other_without_gaps(events: Events) -> None:
    stages: dict[Any, str] = {}
    for event in of(events, StageChanged):
        place = (event.scope[1:4], event.payload.slot)
        assert stages.get(place, "DORMANT") == event.payload.from_stage
        stages[place] = event.payload.to_stage
    assert set(stages.values()) <= {"DORMANT", "FOSSILIZED"}


def test_an_episode_ends_with_the_counts_of_its_seeds(events: Events) -> None:
    for event in of(events, EpisodeEnded):
        ended = event.payload
        here = [e for e in of(events, SeedGerminated) if e.scope[1:4] == event.scope[1:4]]
        assert ended.germinated == len(here) == ended.fossilized + ended.culled
        last = [e.payload for e in of(events, EpochCompleted) if e.scope[1:4] == event.scope[1:4]][-1]
        assert (ended.final_accuracy, ended.final_loss) == (last.val_accuracy, last.val_loss)
        assert ended.final_growth_ratio == last.total_params / last.host_params
        assert ended.growth_ratio == 1 + last.fossilized_params / last.host_params


def test_names_of_seeds_are_unique_in_a_run(by_ppo: Events) -> None:
    names = [event.payload.seed for event in of(by_ppo, SeedGerminated)]
    assert len(names) == len(set(names)) > 0


def test_phases_of_an_epoch_are_timed(by_ppo: Events) -> None:
    rows = of(by_ppo, PhaseTimed)
    epochs = [event.payload.durations for event in rows if event.scope.epoch is not None]
    assert len(epochs) == 270
    assert all(row.keys() == {"decide", "train", "validate", "counterfactual"} for row in epochs)
    assert [event.payload.durations.keys() for event in rows if event.scope.env is None] == [{"update"}] * 3


def test_the_initial_checkpoint_holds_the_weights_that_every_episode_starts_with(demo: Path, by_ppo: Events) -> None:
    for event in of(by_ppo, HostBaselineMeasured):
        file = demo / event.payload.initial_checkpoint
        assert hashlib.sha256(file.read_bytes()).hexdigest() == event.payload.initial_checkpoint_sha256
        assert file.stat().st_size < 20_000
        weights = torch.load(file, weights_only=True)
        expected = new_host(1 + int(event.scope.env or 0)).state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in weights.items())
