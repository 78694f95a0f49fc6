"""Two courses of events side by side: any change is found and named, and what no seed makes never is."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nissa.events.codec import MalformedLineError, decode, encode
from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    CounterfactualMeasured,
    CounterfactualResult,
    Heartbeat,
    PhaseTimed,
    SeedGerminated,
)
from nissa.trainer.repetition import Comparison, comparable, compare, not_compared
from tests.samples import episode_ended, episode_started, event, events, run_started

UNSEEDED = {
    ("phase_timed", "durations"),
    ("run_ended", "cost"),
    ("run_ended", "duration"),
    ("host_baseline_measured", "initial_checkpoint"),
    *(("run_started", name) for name in ("git_commit", "versions", "hardware", "numerics")),
    *(("memory_measured", f"{name}{peak}") for name in ("resident", "allocated") for peak in ("", "_peak")),
    ("memory_measured", "reserved"),
}
ACCOUNTS = {"heartbeat", "events_dropped", "run_resumed", "throughput_measured", "step_timed", "ranks_compared"}


def scalars(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all numbers, texts and truths in plain data."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(item, (*path, key))
    elif value is not None:
        yield path


def other(value: Any) -> Any:
    """Something else of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float) or value in ("NaN", "Infinity", "-Infinity"):
        return 0.5 if value != 0.5 else 0.25
    return f"{value}x"


def changed(line: bytes, path: tuple[Any, ...]) -> Event[Any]:
    """The event with one value in its payload changed, in its line of the log."""
    row = json.loads(line)
    inside = row["data"]
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = other(inside[path[-1]])
    try:
        return decode(json.dumps(row).encode())
    except MalformedLineError:
        assume(False)
        raise


def compared(was: list[Event[Any]], now: list[Event[Any]], **how: Any) -> Comparison:
    return compare(comparable(was), comparable(now), **how)


@settings(max_examples=200)
@given(events(), st.randoms(use_true_random=False))
def test_any_value_that_changed_is_found_and_named_but_for_what_no_seed_makes(original: Event[Any], draws: Any) -> None:
    line = encode(original)
    paths = list(scalars(json.loads(line).get("data", {})))
    assume(paths)
    path = draws.choice(paths)
    was, now = decode(line), changed(line, path)
    kind = original.payload.kind
    if kind in {"foreign_event_carried"} and encode(was) == encode(now):
        assume(False)
    found = compared([was], [now])
    if kind in ACCOUNTS or (kind, path[0]) in UNSEEDED:
        assert found.first is None
    elif found.first and found.first.path is None:
        # The batch and the slot say which event it is.
        assert path in {("batch",), ("slot",)}
        assert found.counts == {f"{kind} (gone)": 1, f"{kind} (new)": 1}
    else:
        assert found.first
        assert (found.first.kind, found.first.scope) == (kind, original.scope)
        assert str(found.first.path).startswith(path[0])
        assert found.counts.total() == 1


@settings(max_examples=60)
@given(st.lists(events(), max_size=4))
def test_a_course_is_identical_to_itself_whenever_and_under_whatever_number_it_happened(
    course: list[Event[Any]],
) -> None:
    later = [replace(decode(encode(e)), seq=e.seq + 7, time=e.time + 60) for e in course]
    found = compared(course, later)
    assert (found.first, found.counts) == (None, {})
    assert found.events == sum(e.payload.kind not in ACCOUNTS for e in course)


def test_what_is_not_compared_is_listed_with_its_reason() -> None:
    assert {*not_compared()} == ACCOUNTS | {f"{kind}.{name}" for kind, name in UNSEEDED}


def test_the_page_has_that_list(root: Path) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", (root / "docs/reproduce.md").read_text(), re.MULTILINE)
    assert {**not_compared()}.items() <= {*rows}


def batches(*numbers: int, loss: float = 1.0) -> list[Event[Any]]:
    return [event(BatchCompleted(batch=n, loss=loss), n, env=0, episode=0, epoch=1) for n in numbers]


@settings(max_examples=50)
@given(st.integers(0, 9))
def test_one_event_that_is_gone_or_new_is_one_difference_and_the_others_keep_their_likes(which: int) -> None:
    whole = batches(*range(10))
    part = whole[:which] + whole[which + 1 :]
    gone, new = compared(whole, part), compared(part, whole)
    assert (gone.counts, gone.events) == ({"batch_completed (gone)": 1}, 9)
    assert (new.counts, new.events) == ({"batch_completed (new)": 1}, 9)
    following = f"batch_completed of env 0 episode 0 epoch 1 batch {which + 1}" if which < 9 else "none"
    assert str(gone.first) == (
        f"the next event was batch_completed of env 0 episode 0 epoch 1 batch {which}, is {following}"
    )


def test_another_order_is_a_difference_although_every_event_has_its_like() -> None:
    found = compared(batches(0, 1, 2), batches(0, 2, 1))
    assert str(found.first) == (
        "the next event was batch_completed of env 0 episode 0 epoch 1 batch 1, "
        "is batch_completed of env 0 episode 0 epoch 1 batch 2"
    )
    assert (found.events, found.counts) == (3, {})


def test_the_first_difference_is_the_earliest_and_all_are_counted() -> None:
    was = [*batches(0, 1, 2), event(SeedGerminated(slot="early", seed="s", blueprint="norm", params=8))]
    now = [
        *batches(0),
        *batches(1, 2, loss=2.0),
        event(SeedGerminated(slot="early", seed="s", blueprint="norm", params=9)),
    ]
    found = compared(was, now)
    assert str(found.first) == "batch_completed of env 0 episode 0 epoch 1 batch 1: loss was 1.0, is 2.0"
    assert found.counts == {"batch_completed.loss": 2, "seed_germinated.params": 1}


@pytest.mark.parametrize(("was", "now"), [(0.0, -0.0), (float("nan"), 0.0), (1.0, float("inf")), (0.1, 0.1 + 2**-56)])
def test_values_are_compared_by_the_bit(was: float, now: float) -> None:
    assert compared(batches(0, loss=was), batches(0, loss=now)).counts == {"batch_completed.loss": 1}
    assert compared(batches(0, loss=was), batches(0, loss=was)).first is None


def test_what_was_not_measured_differs_from_what_was_and_from_zero() -> None:
    for was, now in ((None, 1.0), (1.0, None), (None, 0.0)):
        (gone, new) = (
            [event(BatchCompleted(batch=0, loss=1.0, accuracy=value, seed_grad_norms={"mid": 1.0}))]
            for value in (was, now)
        )
        assert str(compared(gone, new).first).endswith(f"accuracy was {was}, is {now}")
    with_slot = [event(BatchCompleted(batch=0, loss=1.0, seed_grad_norms={"mid": 1.0, "late": 2.0}))]
    without = [event(BatchCompleted(batch=0, loss=1.0, seed_grad_norms={"mid": 1.0}))]
    assert str(compared(with_slot, without).first).endswith('seed_grad_norms["late"] was 2.0, is absent')


def test_a_value_deep_inside_is_named_by_its_path_and_counted_over_all_rows() -> None:
    def measured(accuracy: float) -> list[Event[Any]]:
        rows = [
            CounterfactualResult(config=[on], alpha_settings={"a.b": 1.0}, val_accuracy=accuracy)
            for on in (True, False)
        ]
        return [event(CounterfactualMeasured(slots=["a.b"], results=rows), env=0)]

    found = compared(measured(1.0), measured(2.0))
    assert str(found.first) == "counterfactual_measured of env 0: results[0].val_accuracy was 1.0, is 2.0"
    assert found.counts == {"counterfactual_measured.results.val_accuracy": 2}
    # strategy, planned, slots, orders, n_val and disagreements; of each result config, alpha, loss, accuracy, classes.
    assert found.fields == 6 + 2 * 5


def test_accounts_of_the_pipeline_and_what_follows_from_them_have_no_like() -> None:
    beat: Any = Heartbeat(uptime=1.0, pipeline=None)  # type: ignore[arg-type]
    derived = replace(batches(0)[0], seq=9, ordinal=1)
    disturbed = [*batches(0), event(beat, 9), derived, *batches(1)]
    assert compared(batches(0, 1), disturbed).counts == {}
    assert compared(disturbed, batches(0, 1)).counts == {}


def test_times_are_compared_in_their_place_alone() -> None:
    timed = [event(PhaseTimed(durations={"train": seconds}), env=0) for seconds in (1.0, 2.0)]
    assert compared(timed[:1], timed[1:]).counts == {}
    assert compared(timed[:1], []).counts == {"phase_timed (gone)": 1}


def test_a_course_is_cut_behind_an_epoch_but_the_policy_of_that_round_is_in_it() -> None:
    def at(episode: int, epoch: int) -> Event[Any]:
        return event(BatchCompleted(batch=0, loss=1.0), env=0, episode=episode, epoch=epoch)

    policy = event(PhaseTimed(durations={}), group="ppo")
    course = [event(run_started()), at(0, 1), at(0, 2), policy, at(1, 1), at(1, 2), policy]
    assert list(comparable(course, (0, 1))) == course[:2]
    assert list(comparable(course, (0, 2))) == course[:4]
    assert list(comparable(course, (1, 1))) == course[:5]
    assert list(comparable(course)) == course


def test_nothing_is_compared_behind_an_open_end() -> None:
    assert compared(batches(0, 1), batches(0, 1, 2), open_end=True).counts == {}
    assert compared(batches(0, 1, 2), batches(0, 1), open_end=True).counts == {"batch_completed (gone)": 1}


def test_digests_in_the_context_of_an_episode_are_compared() -> None:
    was, now = (replace(episode_started(), initial_digest=digest) for digest in ("a", "b"))
    found = compared([event(was), event(episode_ended())], [event(now), event(episode_ended())])
    assert found.counts == {"episode_started.initial_digest": 1}
