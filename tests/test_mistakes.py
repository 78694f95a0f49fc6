"""What goes wrong in a first program: each mistake is named, with what was given and what is right."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nissa import Telemetry, Watch
from nissa.events import BatchCompleted

Mistake = Callable[[Telemetry], object]
ODD: Any = None
EMITTED: list[tuple[Mistake, str]] = [
    (lambda run: run.emit({"loss": 1.0}), "dict is no event: BatchCompleted(batch=0, loss=0.7) is one, and log({...})"),  # type: ignore[arg-type]
    (lambda run: run.emit(BatchCompleted), "the class BatchCompleted is no event"),  # type: ignore[arg-type]
    (lambda run: run.emit(BatchCompleted(batch=0, loss="high")), "batch_completed.loss: could not convert"),  # type: ignore[arg-type]
    (lambda run: run.log("lr", 3), "scalars_logged.values: must be a mapping (it is lr)"),  # type: ignore[arg-type]
]
REFUSED: list[tuple[Mistake, str]] = [
    (lambda run: run.scope(environment=0), "there is no scope 'environment': group, env, episode, epoch say where"),
    (lambda run: run.scope(env=0).move(step=3), "there is no scope 'step': group, env, episode, epoch say where"),
    (lambda run: run.scope(epoch="3"), "epoch must be a whole number from 0, not '3'"),
    (lambda _: BatchCompleted(batch=0, los=0.7), "unexpected keyword argument 'los'"),  # type: ignore[call-arg]
    (lambda _: Telemetry(config="standrad"), "there is no profile 'standrad': choose from minimal, standard"),
    (lambda _: Telemetry(config={"alrts": {}}), "there is no key alrts: did you mean alerts?"),
    (lambda _: Telemetry(sinks=[print]), 'sinks must be a mapping by name, such as {"mine": print}, not [<built-in'),  # type: ignore[arg-type]
    (lambda _: Telemetry(sinks={"mine": 3}), "sinks: 'mine' must be callable, not 3"),  # type: ignore[dict-item]
    (lambda _: Telemetry(operators=[1]), "operators must be a mapping by name"),  # type: ignore[arg-type]
    (lambda _: Telemetry(metrics="localhost"), "metrics must be a port such as 9464"),
    (lambda run: Watch(run, ODD), "Watch takes a Telemetry and a torch module, not Telemetry and NoneType"),
    (lambda run: Watch(torch.nn.Linear(1, 1), run), "not Linear and Telemetry"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("mistake", "told"), EMITTED, ids=[told for _, told in EMITTED])
def test_what_is_not_taken_is_told_with_the_line_that_gave_it(
    mistake: Mistake, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Telemetry() as run:
        for _ in range(3):
            mistake(run)
    (record,) = caplog.records
    line = mistake.__code__.co_firstlineno
    assert re.match(rf"{re.escape(__file__)}:{line}: {re.escape(told)}", record.getMessage())


@pytest.mark.parametrize(("mistake", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_what_can_be_seen_at_once_is_refused(mistake: Mistake, told: str) -> None:
    with Telemetry() as run, pytest.raises((TypeError, ValueError), match=re.escape(told)):
        mistake(run)


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: Address already in use"):
            Telemetry(out=tmp_path / "run", metrics=port)
    assert not (tmp_path / "run").exists()
