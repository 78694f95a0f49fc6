"""`nissa traces`, `trace` and `show` on a small run with a known fault."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.cli.runs.trace_text import report
from nissa.events.kinds import SeedCulled, TracedAlert
from nissa.operators import default_operators
from nissa.pipeline import replay
from nissa.pipeline.telemetry import Telemetry
from tests.operators.diagnosis.test_trace_reading import QUIET, trace
from tests.operators.raised import batch, configured, gradients, stage
from tests.pipeline.hub.test_fidelity_feedback import alarm
from tests.samples import episode_ended, episode_started, epoch_completed, policy_updated, run_started

CULL = SeedCulled(
    slot="mid", blueprint="norm", reason="decided by policy", initiator="policy", epochs_total=3,
    accuracy_before=80.0, accuracy_after=51.5,
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two environments; in the second the gradient rises in epoch 3, and then the loss."""
    monkeypatch.setattr(replay, "default_operators", lambda: default_operators() | {"alarm": alarm()})
    with Telemetry("small", out=tmp_path / "run", operators={"alarm": alarm()}) as telemetry:
        telemetry.emit(run_started())
        telemetry.emit(configured(mode="adaptive"))
        for env in (0, 1):
            train(telemetry, env)
    return tmp_path / "run"


def train(telemetry: Telemetry, env: int) -> None:
    here = telemetry.scope(group="ppo", env=env, episode=0)
    here.emit(episode_started())
    for epoch in range(1, 5):
        here.move(epoch=epoch)
        for number in range(10):
            ill = env == 1 and epoch >= 3
            loss = 50.0 if ill and epoch == 3 and number == 6 else 1.0
            here.emit(batch(number, loss, host_grad_norm=9.0 if ill and number >= 2 else 1.0))
        here.emit(gradients(9, **{"host.conv": 40.0 if ill else 1.0, "host.head": 1.0}))
        here.emit(epoch_completed(50.0 + epoch))
    here.emit(episode_ended())


def said(capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_traces_are_listed_one_line_each(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "traces", run) == "   1  warning   ppo env 1 episode 0  epochs 1-4  loss_spike\n"


def test_a_trace_says_what_fired_what_changed_first_and_which_layer(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "trace", run, 1)
    assert "epoch 3 batch 6: loss_spike (warning, spike)" in text
    first, then = [line.strip() for line in text.splitlines() if line.strip().startswith(("first ", "then "))]
    assert first.startswith(
        "first epoch 3 batch 2 (4 batches before the alert): host_grad_norm 9, usually 0.8521 to 1.174"
    )
    assert then.startswith("then  epoch 3 batch 6 (with the alert): loss 50, its alert's limit 1.221")
    assert "host.conv: its gradient became 40.0 times larger than 1, the median of 2 measurements before" in text
    assert "(gradients were measured 2 times before the alert: only a factor of 20 is told)" in text
    assert "host.head" not in text
    (raised,) = [line for line in text.splitlines() if line.lstrip().startswith(">")]
    assert raised.split()[1:4] == ["3", "6", "50"]
    assert len([line for line in text.splitlines() if line.split()[:1] in (["1"], ["2"], ["3"], ["4"])]) == 39
    assert "It closed because the episode ended." in text
    assert "nothing that was told" in text


@pytest.fixture
def policys(tmp_path: Path) -> Path:
    """A policy that explodes after 40 batches, one before the loss rises; and then a slot enters a stage."""
    with Telemetry("policy", out=tmp_path / "policy") as telemetry:
        here = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        here.emit(episode_started())
        for number in range(40):
            here.emit(batch(number, 1.0))
        telemetry.scope(group="ppo").emit(replace(policy_updated(), ratio_max=50.0))
        here.emit(batch(40, 50.0))
        here.emit(episode_ended())
        here.move(episode=1, epoch=1)
        here.emit(episode_started())
        here.emit(batch(0, 1.0))
        here.emit(stage())
        here.emit(batch(1, 1.0))
        here.emit(episode_ended())
    return tmp_path / "policy"


def test_the_alert_of_a_policy_stands_where_it_came(policys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "trace", policys, 1)
    assert "after epoch 1 batch 39: ratio_explosion" in text
    assert "nothing stands out: no quantity that is measured batch by batch left its usual course before" in text
    assert "after epoch 1 batch 40 (1 batch after the alert): loss 50" in text
    raised = [line.split()[1:3] for line in text.splitlines() if line.lstrip().startswith(">")]
    assert raised == [["1", "39"], ["1", "40"]]


def test_marks_are_counted_and_listed_on_demand(policys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = said(capsys, "traces", policys, "--marks").splitlines()
    assert [line.split()[:2] for line in whole] == [["1", "critical"], ["2", "info"]]
    quiet = "1 trace of marks alone not listed: --marks lists all."
    assert said(capsys, "traces", policys).splitlines() == [whole[0], quiet]
    text = said(capsys, "trace", policys, 2)
    assert "a trace of marks alone keeps no layers" in text
    assert "(too few batches before the mark, 1, to say what was usual" in text


def culled(out: Path, epoch: int) -> Path:
    """A seed is culled in an epoch, and in the second one the loss rises."""
    with Telemetry("culled", out=out) as telemetry:
        here = telemetry.scope(group="ppo", env=0, episode=0)
        here.emit(episode_started())
        for number in (1, 2):
            here.move(epoch=number)
            if number == epoch:
                here.emit(CULL)
            for batches in range(40 if number == 1 else 1):
                here.emit(batch(batches, 1.0 if number == 1 else 50.0))
        here.emit(replace(episode_ended(), culled=1))
    return out


def test_a_trace_names_what_happened_just_before_and_so_does_its_line_of_the_alerts_own_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = culled(tmp_path / "culled", epoch=2)
    (line,) = said(capsys, "traces", run).splitlines()
    assert line.split("  ")[-2:] == ["epochs 1-2", "loss_spike after norm culled from mid by the policy"]
    text = said(capsys, "trace", run, 1)
    assert "  epoch 2, right before: norm culled from mid by the policy: -28.50 points right after it\n" in text
    assert "first epoch 2 batch 0 (with the alert): loss 50, its alert's limit " in text
    earlier = culled(tmp_path / "earlier", epoch=1)
    assert said(capsys, "traces", earlier).splitlines()[0].endswith("  loss_spike")
    assert "  epoch 1: norm culled from mid by the policy: -28.50 points" in said(capsys, "trace", earlier, 1)


def test_a_trace_that_is_not_there_is_one_clear_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(run), "2"]) == 2
    assert capsys.readouterr().err == "nissa trace: there is no trace 2: `nissa traces --marks` lists 1\n"


def test_a_run_in_which_nothing_happened_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Telemetry("calm", out=tmp_path / "calm") as telemetry:
        train(telemetry, 0)
    assert said(capsys, "traces", tmp_path / "calm").startswith("Nothing was traced")


def test_show_tells_episodes_then_their_epochs_then_slots(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = said(capsys, "show", run)
    assert "small: seed 7" in whole
    assert whole.count("completed") == 2
    assert "val acc" not in whole
    one = said(capsys, "show", run, "--env", 1)
    assert [f"{50 + epoch}.00%" in one for epoch in range(1, 5)] == [True] * 4
    assert "ppo env 1 episode 0  epochs 1-4" in one
    epoch = said(capsys, "show", run, "--env", 0, "--episode", 0, "--epoch", 2)
    assert "52.00%" in epoch
    assert "53.00%" not in epoch
    assert "No episode of these" in said(capsys, "show", run, "--group", "other")


def test_show_prints_one_document_that_holds_what_was_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "show", run, "--env", 1, "--epoch", 3, "--json"))
    (episode,), (epoch,), (found,) = document["episodes"], document["epochs"], document["traces"]
    assert (episode["env"], episode["run"]["base_seed"]) == (1, 7)
    assert epoch["completed"]["val_accuracy"] == 53.0
    assert (len(found["batches_before"]), len(found["batches_after"])) == (27, 13)
    assert document["left_out"] == dict.fromkeys(("episodes", "epochs", "counterfactuals", "traces"), 0)


def test_replay_has_a_row_for_the_trace(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "replay", run, "--json"))
    (row,) = document["traces"]
    assert (row["env"], row["reasons"], row["batches_before"], row["batches_after"]) == (1, ["loss_spike"], 27, 13)
    assert document["events"]["derived_different"] == 0


def test_a_batch_says_what_left_isolation_and_what_broke_in_it() -> None:
    leaks = {"isolation_leakage": 0.0, "isolation_forward_leakage": 0.25}
    told: dict[str, Any] = {**leaks, "seed_non_finite": {"early": 7, "late": 0}}
    alert = TracedAlert(alert="non_finite", severity="critical", batch=0, place=2, clause="not_finite", what="broken")
    (line,) = [line for line in report(trace([QUIET, replace(QUIET, **told)], alerts=[alert]), 1) if "leaked" in line]
    assert line.endswith("early 0.5  early put out 7 not finite  leaked 0  moved by 0.25")
