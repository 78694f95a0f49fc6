"""What TensorBoard's own reader finds in what the sink wrote, beside the log."""

import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from nissa import Telemetry
from nissa.events import BatchCompleted, EpochCompleted, PolicyUpdated, ScalarsLogged
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks import TensorBoardSink
from nissa.sinks.packages import MissingPackageError

Curves = dict[str, list[tuple[int, float]]]


def read(folder: Path) -> Curves:
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [(point.step, float(make_ndarray(point.tensor_proto))) for point in found.Tensors(tag)]
        for tag in found.Tags()["tensors"]
    }


def test_curves_are_those_of_the_log(demo: Path, tmp_path: Path) -> None:
    sink, told = TensorBoardSink(tmp_path), defaultdict[Any, list[float]](list)
    for event in read_log(demo, Reading()):
        if isinstance(event.payload, sink.kinds):
            sink(event)
        if isinstance(event.payload, EpochCompleted):
            told[event.scope.env, "epoch/val_loss"].append(event.payload.val_loss)  # type: ignore[arg-type]
        if isinstance(event.payload, BatchCompleted):
            told[event.scope.env, "batch/loss"].append(event.payload.loss)
        if isinstance(event.payload, PolicyUpdated):
            told[None, "update/approx_kl"].append(event.payload.approx_kl)  # type: ignore[arg-type]
        run = event.scope.run
    sink.close()
    folders = {None: f"{run} ppo", 0: f"{run} ppo env0", 1: f"{run} ppo env1"}
    assert {path.name for path in tmp_path.iterdir()} == {*folders.values()}
    curves = {env: read(tmp_path / folder) for env, folder in folders.items()}
    for (env, tag), values in told.items():
        steps, found = zip(*curves[env][tag], strict=True)
        assert steps == (*range(len(values)),)
        assert found == pytest.approx(values)


def test_scalars_stand_at_the_trainers_step_and_broken_values_are_kept(tmp_path: Path) -> None:
    with Telemetry("r", sinks={"tensorboard": TensorBoardSink(tmp_path / "tb")}) as telemetry:
        telemetry.log({"lr": 0.5}, step=70)
        telemetry.log({"lr": math.nan}, step=80)
        telemetry.scope(group="../up", env="a/b").emit(ScalarsLogged(values={"lr": 1.0}))
    (first, second) = read(tmp_path / "tb" / "r")["lr"]
    assert first == (70, 0.5)
    assert second[0] == 80
    assert math.isnan(second[1])
    assert read(tmp_path / "tb" / "r ..%2Fup enva%2Fb") == {"lr": [(0, 1.0)]}
    assert [*tmp_path.iterdir()] == [tmp_path / "tb"]
    assert len([*(tmp_path / "tb").iterdir()]) == 2


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorboard", "tensorboard.summary"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingPackageError, match=r"pip install 'nissa\[tensorboard\]'"):
        TensorBoardSink(tmp_path)
