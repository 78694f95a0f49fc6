"""What the Prometheus sink shows of a run equals what a person works out from its events."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from nissa.events.codec import Unknown
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    KINDS,
    BatchCompleted,
    BlueprintSummarized,
    EpisodeStarted,
    EpochCompleted,
    Heartbeat,
    Payload,
    PolicyUpdated,
)
from nissa.sinks.prometheus.catalog import METRICS, OF_CLUSTER
from nissa.sinks.prometheus.collector import PrometheusSink
from tests.samples import events, run_started

Series = tuple[str, frozenset[tuple[str, str]]]
Shown = Callable[[Collector], dict[Series, float]]
Stream = list[Event[Payload]]
PLACES = {"R": 'run="r1"', "G": 'run="r1",group="ppo"', "E": 'run="r1",group="ppo",env="0"'}


def series(name: str, **labels: str) -> Series:
    return name, frozenset(labels.items())


def of_env(name: str, **labels: str) -> Series:
    return series(name, run="r1", group="ppo", env="0", **labels)


def told(events: Stream, **options: Any) -> PrometheusSink:
    sink = PrometheusSink(**options)
    for event in events:
        sink(event)
    return sink


def worked_out() -> dict[Series, float]:
    """The file beside this one, in which {E} stands for the labels of the environment, {G} and {R} for fewer."""
    text = Path(__file__).with_name("a_run.prom").read_text()
    for place, labels in PLACES.items():
        text = text.replace("{" + place, "{" + labels)
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def test_a_run_is_shown_as_worked_out_by_hand(stream: Stream, shown: Shown) -> None:
    found = shown(told(stream))
    expected = worked_out()
    # How many events of each kind there were, another test counts.
    rest = {key for key, value in found.items() if value != 0 and key[0] != "nissa_events_total"} - expected.keys()
    assert rest == set()
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-12)


def test_every_metric_that_is_declared_is_shown_and_no_other(stream: Stream, shown: Shown) -> None:
    suffixes = ("", "_bucket", "_count", "_sum")
    names = {name for name, _ in shown(told(stream))}
    declared = {
        m.name + end
        for m in METRICS.values()
        if m.name not in OF_CLUSTER
        for end in (suffixes[1:] if m.buckets else suffixes[:1])
    }
    assert names == declared


def test_every_kind_is_counted(stream: Stream, shown: Shown) -> None:
    found = shown(told(stream))
    counted = {kind: found[series("nissa_events_total", kind=kind)] for kind in KINDS}
    kinds = [event.payload.kind for event in stream]
    assert counted == {kind: kinds.count(kind) for kind in KINDS}


def test_kinds_of_a_newer_writer_are_counted_together(shown: Shown) -> None:
    sink = told([Event(n, 0.0, Scope("r1"), Unknown(f"kind_{n}", {})) for n in range(3)])
    assert shown(sink)[series("nissa_events_total", kind="unknown")] == 3


def test_before_the_first_event_there_are_zeros_wherever_the_labels_are_known(shown: Shown) -> None:
    found = shown(PrometheusSink())
    assert set(found.values()) == {0.0}
    for kind in KINDS:
        assert series("nissa_events_total", kind=kind) in found
        assert series("nissa_pipeline_dropped_total", kind=kind) in found
    for outcome in ("completed", "failed", "interrupted"):
        assert series("nissa_runs_ended_total", outcome=outcome) in found
    assert series("nissa_pipeline_faults_total", component="hub") in found


def test_an_environment_starts_with_zeros(stream: Stream, shown: Shown) -> None:
    found = shown(told([event for event in stream if isinstance(event.payload, EpisodeStarted)]))
    assert found[of_env("nissa_gate_passes_total", gate="G5")] == 0
    assert found[of_env("nissa_decisions_total", action="CULL")] == 0
    assert found[of_env("nissa_batches_total")] == 0
    assert found[of_env("nissa_episodes_total", outcome="completed")] == 0


def test_what_was_not_measured_is_absent(epoch: EpochCompleted, shown: Shown) -> None:
    sink = told([Event(0, 0.0, Scope("r1", "ppo", 0), replace(epoch, isolation_leakage=None))])
    assert of_env("nissa_isolation_leakage") not in shown(sink)
    assert of_env("nissa_slot_ablation_ratio", slot="late") not in shown(sink)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_what_is_broken_is_shown_as_it_is(broken: float, epoch: EpochCompleted, shown: Shown) -> None:
    sink = told([Event(0, 0.0, Scope("r1", "ppo", 0), replace(epoch, val_loss=broken, val_accuracy=broken))])
    for name in ("nissa_val_loss", "nissa_val_accuracy_ratio"):
        assert shown(sink)[of_env(name)] == pytest.approx(broken, nan_ok=True)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf, -1.0])
def test_a_broken_number_does_not_end_a_counter(broken: float, stream: Stream, shown: Shown) -> None:
    update = next(event.payload for event in stream if isinstance(event.payload, PolicyUpdated))
    heads = {"op": replace(update.heads["op"], entropy=broken)}
    updates = [update, replace(update, heads=heads, entropy=broken), update]
    found = shown(told([Event(n, 0.0, Scope("r1", "ppo"), payload) for n, payload in enumerate(updates)]))
    key = {"run": "r1", "group": "ppo", "env": "", "head": "op"}
    assert found[series("nissa_head_entropy_nats_total", **key)] == 40.0
    assert found[series("nissa_head_decisions_total", **key)] == 90.0


def test_a_new_episode_does_not_show_the_last_epoch_of_the_one_before(stream: Stream, shown: Shown) -> None:
    start = next(event for event in stream if isinstance(event.payload, EpisodeStarted))
    sink = told([*stream, replace_event(start, seq=99)])
    assert of_env("nissa_val_loss") not in shown(sink)
    assert shown(sink)[of_env("nissa_episode_final_loss")] == 0.3
    assert shown(sink)[of_env("nissa_epochs_total")] == 1


def replace_event(event: Event[Payload], seq: int) -> Event[Payload]:
    return Event(seq, event.time, event.scope, event.payload)


def test_what_several_environments_cause_has_one_series_with_the_news(stream: Stream, shown: Shown) -> None:
    summary = next(event.payload for event in stream if isinstance(event.payload, BlueprintSummarized))
    rows = [
        (0, replace(summary, acc_delta_mean=1.0)),
        (1, replace(summary, acc_delta_mean=2.0)),
        (0, replace(summary, acc_delta_mean=3.0)),
        (0, replace(summary, acc_delta_mean=4.0, blueprint="attention")),
    ]
    found = shown(told([Event(n, 0.0, Scope("r1", "ppo", env), row) for n, (env, row) in enumerate(rows)]))
    means = {dict(labels)["blueprint"]: value for (name, labels), value in found.items() if "delta_mean" in name}
    assert means == {"norm": 0.03, "attention": 0.04}


def test_a_pipeline_that_only_beats_does_not_pass_for_a_trainer_at_work(stream: Stream, shown: Shown) -> None:
    sink = told([event for event in stream if event.payload.kind in {"epoch_completed", "heartbeat"}])
    found = shown(sink)
    assert found[series("nissa_run_last_event_timestamp_seconds", run="r1")] == 1011
    assert found[series("nissa_run_heartbeat_timestamp_seconds", run="r1")] == 1052


def test_a_run_of_which_nobody_says_when_it_started_did_so_with_its_first_event(
    epoch: EpochCompleted, shown: Shown
) -> None:
    """So it does in each process that goes on with it, which is how its end in the one before is known to be past."""
    started = series("nissa_run_started_timestamp_seconds", run="r1")
    begun: Stream = [Event(n, 1000.0 + n, Scope("r1", "ppo", n), epoch) for n in range(3)]
    assert shown(told(begun))[started] == 1000
    assert shown(told([*begun, Event(3, 1003.0, Scope("r1"), run_started())]))[started] == 1003
    assert shown(told(begun[1:]))[started] == 1001


def test_a_recorded_run_shows_the_account_of_its_last_heartbeat(stream: Stream, shown: Shown) -> None:
    beat = next(event for event in stream if isinstance(event.payload, Heartbeat))
    assert shown(told([beat]))[series("nissa_pipeline_accepted_total")] == 110


def test_a_live_run_shows_the_account_of_now(stream: Stream, shown: Shown) -> None:
    beat = next(event for event in stream if isinstance(event.payload, Heartbeat))
    assert isinstance(beat.payload, Heartbeat)
    now = replace(beat.payload.pipeline, accepted=115, queued=9)
    found = shown(told([beat], pipeline=lambda: now))
    assert found[series("nissa_pipeline_accepted_total")] == 115
    assert found[series("nissa_pipeline_queued_events")] == 9


@pytest.mark.parametrize("value", ["much", object(), [1.0]])
def test_a_payload_that_makes_no_sense_costs_itself_only(value: Any, epoch: EpochCompleted, shown: Shown) -> None:
    sink = told([Event(0, 0.0, Scope("r1", "ppo", env), epoch) for env in (0, 1)])
    sink(Event(1, 0.0, Scope("r1", "ppo", 1), replace(epoch, train_loss=value)))
    assert shown(sink)[of_env("nissa_train_loss")] == 0.625
    assert shown(sink)[series("nissa_scrape_errors_total")] == 1


def test_an_event_that_cannot_be_read_at_all_is_one_error(epoch: EpochCompleted, shown: Shown) -> None:
    odd: Any = dict.fromkeys(BatchCompleted.__slots__, "odd")
    rows = (BatchCompleted(**odd), epoch)
    sink = told([Event(n, 0.0, Scope("r1", "ppo", 0), row) for n, row in enumerate(rows)])
    assert shown(sink)[of_env("nissa_train_loss")] == 0.625
    assert shown(sink)[series("nissa_scrape_errors_total")] == 1


@given(st.lists(events(), max_size=8))
@settings(max_examples=50)
def test_whatever_happens_can_be_scraped(happened: Stream) -> None:
    registry = CollectorRegistry()
    registry.register(told(happened))
    text = generate_latest(registry).decode()
    assert len(list(text_string_to_metric_families(text))) == len(METRICS.keys() - OF_CLUSTER)
    assert "nissa_scrape_errors_total 0.0" in text


def test_half_a_character_in_a_name_does_not_end_the_scrape(epoch: EpochCompleted) -> None:
    registry = CollectorRegistry()
    registry.register(told([Event(0, 0.0, Scope("run-\udcff"), epoch)]))
    assert b'run="run-?"' in generate_latest(registry)
