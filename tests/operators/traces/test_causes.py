"""What happened just before an alert? Stories in which it is known, told in events, with the answer written by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import (
    DenseTraceCaptured,
    EpochCompleted,
    FidelityChanged,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
    TracedCause,
)
from nissa.operators.traces.causes import EPOCHS, MAX_CAUSES, causes
from nissa.operators.traces.happenings import MAX_HAPPENINGS, Happening
from nissa.operators.traces.open_trace import Instant
from nissa.operators.traces.recorder import flight_recorder
from tests.operators.raised import batch, raised, stage, told
from tests.operators.test_contract import derived
from tests.samples import episode_ended, episode_started, epoch_completed, policy_updated, run_started

BORN = SeedGerminated(slot="mid", seed="s", blueprint="norm", params=9)
CULL = SeedCulled(slot="mid", reason="decided by policy", initiator="policy", epochs_total=3, improvement=7.0)
FOSSIL = SeedFossilized(slot="mid", seed="s", params_added=9, epochs_total=3)
NOWHERE: dict[str, Any] = {"env": None, "episode": None, "epoch": None}


def traced(*items: Any) -> DenseTraceCaptured:
    (trace,) = (row for row in derived(flight_recorder(), told([*items, episode_ended()])))
    assert isinstance(trace, DenseTraceCaptured)
    return trace


def epoch(alpha: float, contribution: float | None = None, seed: str = "s") -> EpochCompleted:
    slot = SlotSnapshot(
        slot="mid", stage="BLENDING", epochs_in_stage=1, seed=seed, blueprint="norm", alpha=alpha,
        counterfactual_contribution=contribution,
    )  # fmt: skip
    return replace(epoch_completed(50.0), slots=[slot])


def at(number: int, *items: Any) -> list[Any]:
    return [(item, {"epoch": number}) for item in items]


def told_of(trace: DenseTraceCaptured) -> list[tuple[str, int | None, float | None, str | None]]:
    return [(row.cause, row.batches, row.change, row.basis) for row in trace.causes]


@pytest.mark.parametrize(
    ("cull", "change", "basis"),
    [
        (replace(CULL, accuracy_before=80.0, accuracy_after=70.5, ablation=3.0), -9.5, "cull"),
        (replace(CULL, ablation=3.0), -3.0, "ablation"),
        (CULL, -4.0, "ablation"),
    ],
)
def test_a_cull_is_named_with_what_it_cost_by_the_best_that_was_measured(
    cull: SeedCulled, change: float, basis: str
) -> None:
    trace = traced(*at(1, BORN, batch(0), epoch(1.0, 4.0)), *at(2, cull, batch(0), batch(1), raised()))
    first = trace.causes[0]
    assert first == TracedCause(
        cause="cull", subject="mid", epoch=2, batches=2, disturbs=True, change=change, basis=basis,
        what="norm culled from mid by the policy",
    )  # fmt: skip


def test_where_nothing_but_progress_is_known_it_is_called_so_and_weighs_nothing() -> None:
    other = SeedCulled(slot="late", reason="x", initiator="gate", epochs_total=3, ablation=1.0)
    trace = traced(batch(0), CULL, other, batch(1), raised())
    assert told_of(trace) == [("cull", 1, -1.0, "ablation"), ("cull", 1, 7.0, "lifetime")]
    assert [row.what for row in trace.causes] == [
        "a seed culled from late by a gate (x)",
        "a seed culled from mid by the policy",
    ]


def test_a_seed_in_isolation_touches_no_output_so_its_cull_comes_after_what_does() -> None:
    late = epoch(0.0)
    other = replace(late.slots[0], slot="late", alpha=0.5)
    one, two = replace(late, slots=[*late.slots, other]), replace(late, slots=[replace(other, alpha=1.0)])
    trace = traced(*at(1, BORN, batch(0), one), *at(2, batch(0), CULL, batch(1), raised(), two))
    assert [(row.cause, row.disturbs) for row in trace.causes] == [
        ("blend", True),
        ("cull", False),
        ("germination", False),
    ]


def test_a_share_that_moved_in_the_alerts_own_epoch_is_named_without_what_was_measured_after_the_alert() -> None:
    items = [*at(1, batch(0), epoch(0.2, 1.0)), *at(2, batch(0), batch(1), raised(), batch(2), epoch(0.7, -8.0))]
    trace = traced(*items, *at(3, batch(0), epoch(0.9, 0.0)))
    assert told_of(trace) == [("blend", 2, None, None)]
    assert trace.causes[0].what == "norm blended in at mid, alpha 0.20 to 0.70"
    other = traced(*at(1, batch(0), epoch(0.2)), *at(2, batch(0), raised(), epoch(0.7, seed="other")))
    assert other.causes == []


def test_an_accuracy_that_drops_after_an_epoch_names_the_share_that_moved_in_it() -> None:
    drop = raised("accuracy_drop", subject="val_accuracy")
    trace = traced(*at(1, batch(0), epoch(0.0)), *at(2, batch(0), batch(1), epoch(0.5, 3.0), drop), *at(3, batch(0)))
    assert told_of(trace) == [("blend", 2, 3.0, "ablation_change")]


def test_what_is_nearest_comes_first_and_of_what_is_as_near_the_largest() -> None:
    culls = {name: replace(CULL, slot=name, ablation=size) for name, size in (("a", 1.0), ("b", 5.0), ("c", 9.0))}
    trace = traced(culls["c"], batch(0), culls["a"], culls["b"], stage("d"), batch(1), FOSSIL, BORN, raised())
    assert [row.subject for row in trace.causes] == ["b", "a", "c", "mid", "d"]
    assert [row.batches for row in trace.causes] == [1, 1, None, 0, 1]


def test_only_what_was_done_before_the_alert_and_not_long_before_it_counts() -> None:
    before = [row for number in range(1, 6) for row in at(number, replace(CULL, slot=f"e{number}"), batch(0))]
    trace = traced(*before, *at(5, raised(), CULL, batch(1)), *at(6, CULL, batch(0)))
    assert [row.subject for row in trace.causes] == [f"e{number}" for number in range(5, 4 - EPOCHS, -1)]


def test_of_many_the_nearest_are_kept_and_the_others_counted() -> None:
    many = [replace(CULL, slot=str(number)) for number in range(MAX_HAPPENINGS + 10)]
    trace = traced(batch(0), *many, batch(1), raised())
    assert len(trace.causes) == MAX_CAUSES
    assert trace.left_out == {"causes": MAX_HAPPENINGS - MAX_CAUSES}


def test_a_trace_of_marks_names_no_cause() -> None:
    assert traced(batch(0), CULL, batch(1), raised("stage_transition", "info", "mid"), batch(2)).causes == []


def injecting(*faults: Any) -> tuple[Any, dict[str, Any]]:
    return replace(run_started(), hyperparameters={"injections": list(faults)}), NOWHERE


def test_an_injected_fault_of_the_alerts_own_epoch_comes_first() -> None:
    faults = injecting("nan@env0:ep0:epoch5", "nan@env1:ep0:epoch5", "nan@env0:ep1:epoch5", "x@ep0", 7, "nonsense")
    here = at(5, batch(0), CULL, batch(1), raised("non_finite"))
    assert [row.cause for row in traced(faults, *here).causes] == ["injection", "cull"]
    assert traced(faults, *here).causes[0].what == "the fault nan injected on purpose"
    later = at(6, batch(0), CULL, batch(1), raised())
    assert [row.cause for row in traced(faults, *later).causes] == ["cull", "injection"]
    assert [row.cause for row in traced(faults, *at(4, *(row for row, _ in here))).causes] == ["cull"]


def test_an_alert_of_the_policy_names_what_was_done_to_the_policy() -> None:
    faults = injecting("value_collapse@ep0", "nan@env0:ep0:epoch1")
    updates = [(replace(policy_updated(), learning_rate=rate), NOWHERE) for rate in (1e-3, 1.05e-3, 2e-3)]
    policy = (raised("value_collapse", "critical", None), NOWHERE)
    trace = traced(faults, batch(0), CULL, *updates, policy)
    assert [row.what for row in trace.causes] == [
        "learning rate of the policy from 0.00105 to 0.002",
        "the fault value_collapse injected on purpose, from episode 0 on",
    ]


@pytest.mark.parametrize(("episode", "named"), [(2, []), (12, ["value_collapse"]), (13, ["value_collapse"])])
def test_a_fault_of_the_policy_is_named_once_it_has_struck_and_of_the_policy_alone(
    episode: int, named: list[str]
) -> None:
    faults, here = injecting("value_collapse@ep12", "nan@env0:ep12"), {"episode": episode}
    of_policy = (raised("kl_spike", "warning", "approx_kl"), NOWHERE)
    of_env = (raised(), here)
    found = []
    for alert in (of_policy, of_env):
        events = told([faults, *((row, here) for row in (batch(0), batch(1))), alert, (episode_ended(), here)])
        (trace,) = derived(flight_recorder(), events)
        assert isinstance(trace, DenseTraceCaptured)
        found.append([row.subject for row in trace.causes])
    assert found == [named, []]


def test_a_fault_of_an_epoch_is_no_matter_to_an_alert_that_tells_none() -> None:
    trace = traced(injecting("nan@env0:ep0:epoch5"), batch(0), (raised(), {"epoch": None}))
    assert trace.causes == []


def test_a_new_fidelity_and_a_lost_episode_are_named_but_what_the_alert_itself_raised_is_not() -> None:
    def dense(before: str = "normal") -> FidelityChanged:
        return FidelityChanged(level="dense", before=before, reasons=[], clause="alert", dense_epochs=0, epochs=0)

    first = (batch(0), {"episode": 0})
    rows: list[Any] = [episode_started(), dense(), dense("dense"), batch(0), raised(), dense(), episode_ended()]
    events = told([first, *((row, {"episode": 1}) for row in rows)])
    (trace,) = derived(flight_recorder(), events)
    assert isinstance(trace, DenseTraceCaptured)
    assert [(row.cause, row.what) for row in trace.causes] == [
        ("episode_lost", "episode 0 was lost: its end was not told"),
        ("fidelity", "fidelity from normal to dense: probes look otherwise (alert)"),
    ]


HAPPENINGS = st.builds(
    Happening,
    seq=st.integers(0, 30),
    epoch=st.none() | st.integers(0, 6),
    cause=st.sampled_from(("cull", "blend", "injection", "stage")),
    subject=st.none(),
    what=st.just("w"),
    disturbs=st.booleans(),
    change=st.none() | st.floats(),
    basis=st.sampled_from(("cull", "lifetime")),
)


@given(st.lists(HAPPENINGS, max_size=20), st.lists(st.integers(0, 30), unique=True, max_size=10).map(sorted))
def test_whatever_was_done_each_is_as_many_batches_before_as_a_loop_counts_and_none_is_after(
    done: list[Happening], batches: list[int]
) -> None:
    alert = Instant(20, 4, None)
    found = causes(done, alert, batches)
    for row in found:
        assert any(
            one.seq < 20 and row.batches in (None, sum(one.seq < number <= 20 for number in batches)) for one in done
        )
        assert row.epoch is None or 2 <= row.epoch <= 4
    tiers = [row.disturbs for row in found if not (row.cause == "injection" and row.epoch == 4)]
    assert tiers == sorted(tiers, reverse=True)
