"""What no float holds is left out and counted, and costs no other value; long names are cut, and stay apart."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, Payload, PhaseTimed, SeedFossilized, SeedGerminated
from nissa.sinks.prometheus.backfill import Backfill
from nissa.sinks.prometheus.collector import PrometheusSink
from tests.samples import episode_started, epoch_completed

Scrape = dict[str, dict[tuple[str, ...], float]]


class Whole(int):
    pass


def told(*payloads: Payload, **where: Any) -> tuple[Scrape, int]:
    """What is scraped after these payloads, by metric and values of labels, and how large the scrape is."""
    registry, sink = CollectorRegistry(), PrometheusSink()
    registry.register(sink)
    scope: dict[str, Any] = {"group": "g", "env": 0, "episode": 0, "epoch": 1} | where
    for seq, payload in enumerate(payloads):
        sink(Event(seq, float(seq), Scope("r", **scope), payload))
    generate_latest(registry)
    text = generate_latest(registry)
    found: Scrape = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found, len(text)


def story(odd: Any) -> list[Payload]:
    """An odd value in a gauge, in an item of a mapping, in a counter and in a histogram."""
    return [
        episode_started(),
        SeedGerminated(slot="early", seed="s", blueprint="norm", params=5),
        BatchCompleted(
            batch=0, loss=odd, accuracy=50.0, host_grad_norm=1.5, seed_grad_norms={"early": odd, "mid": 2.5}
        ),
        SeedFossilized(slot="early", seed="s", blueprint="norm", improvement=1.0, params_added=odd, epochs_total=1),
        PhaseTimed(durations={"odd": odd, "sound": 1.0}),
    ]


@pytest.mark.parametrize("odd", [10**400, -(10**400), Whole(10**400), 10**5000, "text", [1], {}], ids=type)
def test_a_value_that_is_no_float_costs_itself_alone_and_is_counted(odd: Any) -> None:
    found, _ = told(*story(odd))
    at = ("0", "g", "r")
    assert found["nissa_batch_accuracy_ratio"] == {at: 0.5}
    assert found["nissa_batch_host_grad_norm"] == {at: 1.5}
    assert found["nissa_batch_slot_grad_norm"] == {(*at, "mid"): 2.5}
    assert found["nissa_phase_duration_seconds_sum"] == {("sound", "r"): 1.0}
    assert found["nissa_seeds_fossilized_total"][("norm", *at)] == 1
    assert "nissa_batch_loss" not in found
    assert found["nissa_scrape_errors_total"][()] >= 3


@pytest.mark.parametrize("odd", [Whole(3), Decimal(3), np.int64(3), np.float32(3.0), True])
def test_a_number_of_another_make_is_a_number(odd: Any) -> None:
    found, _ = told(*story(odd))
    assert found["nissa_batch_loss"] == {("0", "g", "r"): float(odd)}
    assert found["nissa_phase_duration_seconds_sum"][("odd", "r")] == float(odd)
    assert found["nissa_scrape_errors_total"][()] == 0


def test_a_decimal_beyond_all_floats_is_infinite() -> None:
    found, _ = told(*story(Decimal("1e4000")))
    assert found["nissa_batch_loss"] == {("0", "g", "r"): float("inf")}


def test_a_recorded_run_with_such_a_value_has_a_past() -> None:
    backfill = Backfill(1.0)
    for seq, payload in enumerate(story(10**400)):
        backfill(Event(seq, float(seq), Scope("r", "g", 0, 0, 1), payload))
    assert any(line.startswith("nissa_batch_host_grad_norm") for line in backfill.lines())


def long(name: str) -> str:
    return "x" * 10_000 + name


def test_long_names_are_cut_and_two_of_them_stay_two() -> None:
    norms = {long("a"): 1.0, long("b"): 2.0, "y" * 200: 3.0}
    scope = {"group": long("g"), "env": long("e")}
    found, size = told(episode_started(), BatchCompleted(batch=0, loss=1.0, seed_grad_norms=norms), **scope)
    slots = {labels[-1]: value for labels, value in found["nissa_batch_slot_grad_norm"].items()}
    assert sorted(slots.values()) == [1.0, 2.0, 3.0]
    assert {len(slot) for slot in slots} == {200}
    assert "y" * 200 in slots
    assert size < 300_000
    again, _ = told(episode_started(), BatchCompleted(batch=0, loss=1.0, seed_grad_norms=norms), **scope)
    assert again["nissa_batch_slot_grad_norm"] == found["nissa_batch_slot_grad_norm"]


def test_an_environment_of_many_digits_is_scraped() -> None:
    found, _ = told(epoch_completed(50.0), env=10**5000)
    assert [*found["nissa_val_accuracy_ratio"].values()] == [0.5]
