"""An emitter wherever it goes; and a probe that fails, which is counted, and keeps nothing alive."""

import copy
import gc
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, ScalarsLogged
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry


def test_what_a_failing_probe_held_is_free_at_once() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def probe() -> None:
        activation = torch.zeros(3)
        held.append(weakref.ref(activation))
        raise RuntimeError("out of memory")

    with Telemetry("test", config="minimal") as telemetry:
        gc.disable()
        try:
            for _ in range(2):  # the first is logged, and a log may keep it
                assert telemetry.scope().attempt("odd", probe) is None
            assert held[1]() is None
        finally:
            gc.enable()
        assert telemetry.state().faults == {"probe odd": 2}


def test_a_copy_of_a_network_speaks_through_the_emitter_of_the_original() -> None:
    with Telemetry("test") as telemetry:
        emitter = telemetry.scope(env=0)
        assert copy.deepcopy([emitter])[0] is copy.copy(emitter) is emitter


def test_an_emitter_in_another_process_is_mute_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with Telemetry("far", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        sent = pickle.loads(pickle.dumps(telemetry.scope(env=3)))
        for _ in range(3):
            sent.emit(BatchCompleted(batch=0, loss=1.0))
        sent.move(epoch=1)
        assert telemetry.flush()
        assert not seen
    assert (sent.scope.env, sent.scope.epoch) == (3, 1)
    (record,) = caplog.records
    assert "run 'far'" in record.getMessage()


@pytest.mark.parametrize(
    "where",
    [{"epoch": 0.25}, {"epoch": -1}, {"episode": "3"}, {"group": 5}, {"env": 0.5}, {"env": [1]}],
)
def test_a_place_that_no_reader_would_take_is_refused_where_it_is_bound(where: dict[str, Any]) -> None:
    (name, _), *_ = where.items()
    with Telemetry("test") as telemetry:
        emitter = telemetry.scope(env=0)
        with pytest.raises(TypeError, match=f"{name} must be"):
            emitter.bind(**where)
        with pytest.raises(TypeError, match=f"{name} must be"):
            emitter.move(**where)
        assert emitter.scope == Scope("test", env=0)


def test_a_place_is_kept_as_given_in_pythons_own_types() -> None:
    with Telemetry("test") as telemetry:
        where = telemetry.scope(
            group=np.str_("ppo"), env="CartPole-v1", episode=np.int64(2), epoch=torch.tensor(3)
        ).scope
    assert where == Scope("test", "ppo", "CartPole-v1", 2, 3)
    assert [type(value) for value in where] == [str, str, str, int, int]


def test_what_cannot_be_read_back_is_counted_by_field_at_emit_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    seen = list[Event[Any]]()
    with Telemetry("test", sinks={"seen": seen.append}) as telemetry:
        for batch in range(3):
            telemetry.emit(BatchCompleted(batch=batch, loss="bad", accuracy=1.0))  # type: ignore[arg-type]
            telemetry.emit(BatchCompleted(batch=batch, loss=0.5, accuracy="high"))  # type: ignore[arg-type]
        assert telemetry.flush()
        faults = telemetry.state().faults
    batches = [event.payload for event in seen if isinstance(event.payload, BatchCompleted)]
    assert batches == [BatchCompleted(batch=batch, loss=0.5) for batch in range(3)]
    assert faults == {"emit batch_completed.loss": 3, "emit batch_completed.accuracy": 3}
    assert len(caplog.records) == 2


def test_the_log_holds_what_a_reused_mapping_and_tensor_held_at_emit(tmp_path: Path) -> None:
    norms, loss = {"early": 0.0}, torch.zeros(())
    with Telemetry("test", out=tmp_path / "run") as telemetry:
        for batch in range(50):
            norms["early"] = float(batch)
            telemetry.emit(BatchCompleted(batch=batch, loss=loss, seed_grad_norms=norms))  # type: ignore[arg-type]
            loss += 1
    read = [event.payload for event in read_log(tmp_path / "run", Reading())]
    batches = [payload for payload in read if isinstance(payload, BatchCompleted)]
    assert batches == [BatchCompleted(batch=n, loss=float(n), seed_grad_norms={"early": float(n)}) for n in range(50)]


def test_scalars_are_logged_with_their_names_step_and_place_whatever_numbers_they_are() -> None:
    with Telemetry("test", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        values = {
            "lr": 3e-4,
            "scale": torch.tensor(1024.0, requires_grad=True),
            "n": np.int64(3),
            "broken": float("nan"),
        }
        telemetry.scope(env=0, episode=1, epoch=2).log(values, step=torch.tensor(7))  # type: ignore[arg-type]
        values.clear()
        telemetry.log({"lr": 1})
        assert telemetry.flush()
    first, second = (event for event in seen if isinstance(event.payload, ScalarsLogged))
    assert first.scope == Scope("test", env=0, episode=1, epoch=2)
    assert (
        repr(first.payload) == "ScalarsLogged(values={'lr': 0.0003, 'scale': 1024.0, 'n': 3.0, 'broken': nan}, step=7)"
    )
    assert (second.scope, second.payload) == (Scope("test"), ScalarsLogged(values={"lr": 1.0}))


def test_a_scalar_that_is_no_number_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    with Telemetry("test") as telemetry:
        telemetry.log({"odd": None, "lr": 3e-4, "vector": torch.zeros(3)}, step=7)
        telemetry.log({"odd": None})
        telemetry.flush()
        rows = telemetry.snapshot()["scalars"]
        assert telemetry.state().faults == {"emit scalars_logged.values": 2}
    assert [(row["name"], row["last"], row["step"]) for row in rows] == [("lr", 3e-4, 7)]
    assert "'odd' must be told" in caplog.text


def test_a_scalar_that_is_no_number_is_named_and_training_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with Telemetry("test") as telemetry:
        for odd in (torch.zeros(3), None, "high"):
            telemetry.log({"lr": 3e-4, "odd": odd})
        telemetry.log([("lr", 1.0)])  # type: ignore[arg-type]
        assert telemetry.state().faults == {"emit scalars_logged.values": 4}
    assert "scalars_logged.values: 'odd'" in caplog.text
