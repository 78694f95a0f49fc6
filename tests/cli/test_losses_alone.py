"""A trainer that grows nothing and measures losses alone: what it does not tell is missing, and breaks nothing."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted, EpochCompleted, GateCheck, GateEvaluated
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.console.console_sink import ConsoleSink
from nissa.sinks.prometheus.collector import PrometheusSink

ILL = 45
"""The step at which the loss jumps."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Four epochs of twenty batches, and a gate that says less than ours."""
    shown = io.StringIO()
    console = ConsoleSink(Console(file=shown, width=200))
    with Telemetry("losses", out=tmp_path / "run", sinks={"console": console}) as telemetry:
        here = telemetry.scope(env=0)
        for step in range(80):
            here.move(epoch=1 + step // 20)
            here.emit(BatchCompleted(batch=step % 20, loss=50.0 if step == ILL else 1.0 + 0.01 * (step % 5)))
            if step % 20 == 19:
                here.emit(EpochCompleted(val_loss=1.0, val_accuracy=80.0))
        here.emit(untold())
    state = telemetry.state()
    assert (state.faults, state.refused, state.dropped) == ({}, 0, {})
    assert "loss_spike (loss): loss 50 over" in shown.getvalue()
    assert "env0: loss_spike, gate_failure; 46 batches before and 34 after" in shown.getvalue()
    return tmp_path / "run"


def untold() -> GateEvaluated:
    """A gate with a check of which only the outcome is known."""
    check = GateCheck(name="bred", passed=False)
    return GateEvaluated(slot="a", seed="s", gate="G2", target_stage="HOLDING", passed=False, checks=[check], reason="")


def test_a_replay_derives_what_was_recorded(run: Path) -> None:
    again = replay(run)
    assert (again.different, again.only_computed, again.only_recorded, again.faults.counts.total()) == (0, 0, 0, 0)


def test_metrics_have_its_losses_and_no_series_of_what_was_not_told(run: Path) -> None:
    replay(run, [sink := PrometheusSink(recorded=True)])
    values = {family.name: [sample.value for sample in family.samples] for family in sink.collect()}
    assert (values["nissa_batch_loss"], values["nissa_val_accuracy_ratio"]) == ([1.04], [0.8])
    unmeasured = (
        "batch_accuracy_ratio",
        "batch_host_grad_norm",
        "batch_slot_grad_norm",
        "host_grad_norm",
        "slot_stage",
    )
    assert [values[f"nissa_{name}"] for name in unmeasured] == [[]] * len(unmeasured)


def test_a_trace_has_dashes_for_it_and_says_what_changed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", str(run)]) == 0
    assert "warning   env 0  epochs 1-4  loss_spike" in capsys.readouterr().out
    assert main(["trace", str(run), "1"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"(?:first|then ) epoch .*: (\w+) ", text) == ["loss"]
    raised = [line.split() for line in text.splitlines() if line.lstrip().startswith(">")]
    assert raised[0] == [">", "3", "5", "50", "-", "-"]
    assert "G2 of a failed: bred - FAILED" in text
    assert "None" not in text


def test_show_and_replay_print_such_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["show", "--epoch", "2"], ["show", "--kind", "batch_completed"], ["replay"], ["replay", "--json"]):
        assert main([words[0], str(run), *words[1:]]) == 0
        assert "None" not in capsys.readouterr().out
