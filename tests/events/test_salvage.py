"""What JSON has no form for is written as well as it goes, and one such value costs no more than itself."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa import Telemetry
from nissa.events import codec
from nissa.events.codec import UnwritableEventError, decode, written
from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, SeedCulled
from nissa.pipeline.replay import replay
from tests.samples import run_started


class Unspeakable:
    """Something of a trainer's that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def culled(reason: Any) -> SeedCulled:
    return SeedCulled(slot="early", reason=reason, initiator="policy", epochs_total=3)


def event(payload: Any, run: str = "r") -> Event[Any]:
    return Event(7, 1.5, Scope(run), payload)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ValueError("diverged"), "ValueError('diverged')"),
        ("half \ud83d of it", "half ? of it"),
    ],
)
def test_a_value_without_a_form_is_written_as_a_person_would_write_it(value: Any, text: str) -> None:
    assert decode(written(event(culled(value)))).payload == culled(text)


def test_a_repr_that_raises_is_still_no_loss() -> None:
    assert "Unspeakable object" in decode(written(event(culled(Unspeakable())))).payload.reason


def test_a_namespace_of_settings_is_the_mapping_that_it_is() -> None:
    settings: Any = argparse.Namespace(lr=0.1, path=Path("x"))
    row: Any = decode(written(event(replace(run_started(), hyperparameters=settings)))).payload
    assert row.hyperparameters == {"lr": 0.1, "path": "x"}


def test_what_no_reader_would_take_is_refused_with_the_field() -> None:
    broken: Any = Unspeakable()
    with pytest.raises(UnwritableEventError, match=r"data\.loss"):
        written(event(BatchCompleted(batch=0, loss=broken)))


def test_a_line_that_no_reader_takes_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "LONGEST_LINE", len(written(event(culled("x" * 100)))))
    assert decode(written(event(culled("x" * 100))))
    with pytest.raises(UnwritableEventError, match="no reader takes more than"):
        written(event(culled("x" * 101)))


@given(st.text(st.characters(codec=None, categories=["L", "Cs", "Cc", "S"])))
def test_any_name_can_be_written(name: str) -> None:
    assert (
        decode(written(event(culled(name), run=name or "r"))).payload.reason == name.encode("utf-8", "replace").decode()
    )


def test_poison_costs_no_sound_event_and_is_no_fault_of_the_log(tmp_path: Path) -> None:
    broken: Any = Unspeakable()
    with Telemetry("po\udcffison", out=tmp_path / "run") as telemetry:
        for step in range(200):
            telemetry.emit(BatchCompleted(batch=step, loss=1.0))
            if step % 10 == 5:
                telemetry.emit(culled(broken))
                telemetry.emit(BatchCompleted(batch=step, loss=broken))
        assert telemetry.flush(20.0)
        state = telemetry.state()
        (log,) = [sink for sink in state.sinks if sink.sink == "log"]
    assert state.faults == {"emit batch_completed.loss": 20}
    assert (log.failed, log.retries, log.breaker) == (0, 0, "closed")
    reading = replay(tmp_path / "run").reading
    kinds = ("batch_completed", "seed_culled", "run_ended")
    assert [reading.by_kind[kind] for kind in kinds] == [200, 20, 1]
    assert not reading.malformed
