"""`nissa show`: accuracies beside their own growth and a twin of the same length, ablations, marks, and the verdict."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.events.kinds import CounterfactualMeasured, CounterfactualResult, HostBaselineMeasured
from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import batch, stage
from tests.samples import episode_ended, episode_started, epoch_completed, run_started

TWIN = HostBaselineMeasured(
    initial_loss=2.3, initial_accuracy=10.0, final_loss=0.2, final_accuracy=93.0, epochs=45, host_params=1000
)


def ablated(**accuracies: float) -> CounterfactualMeasured:
    """Two slots; which of them are on is in the name: "off_on"."""
    results = [
        CounterfactualResult(config=[part == "on" for part in name.split("_")], alpha_settings={}, val_accuracy=value)
        for name, value in accuracies.items()
    ]
    return CounterfactualMeasured(slots=["early", "late"], n_val=360, results=results)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three episodes: one whole, one cut short, one that never ended."""
    with Telemetry("shown", out=tmp_path / "run") as telemetry:
        telemetry.scope(group="ppo", env=0).emit(TWIN)
        for episode in range(3):
            here = telemetry.scope(group="ppo", env=0, episode=episode)
            here.emit(episode_started())
            for epoch in (1, 2):
                here.move(epoch=epoch)
                here.emit(batch(0, 1.0))
                here.emit(stage())
                here.emit(ablated(off_off=40.0, off_on=55.0, on_on=60.0 + epoch))
                here.emit(epoch_completed(60.0 + epoch))
            ended = replace(episode_ended(), final_accuracy=62.0, final_growth_ratio=1.49, kept_accuracy=40.0)
            if episode < 2:
                here.emit(replace(ended, epochs=45 if episode == 0 else 2))
    return tmp_path / "run"


def said(capsys: pytest.CaptureFixture[str], *words: Any) -> list[str]:
    assert main([str(word) for word in words]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_each_accuracy_has_the_growth_of_its_network_and_a_twin_of_another_length_says_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "show", run)
    head = (
        "group env episode policy torch seed epochs kept acc kept growth final acc final growth twin acc reward outcome"
    )
    rows = lines[lines.index(head) + 2 :]
    assert rows[0] == "ppo 0 0 ppo 1 45 40.00% 1.00x 62.00% 1.49x 93.00% +1.00 completed"
    assert rows[1] == "ppo 0 1 ppo 1 2 40.00% 1.00x 62.00% 1.49x 93.00% (45 epochs) +1.00 completed"
    assert rows[2] == "ppo 0 2 ppo 1 - - - - - 93.00% (45 epochs) - did not end"
    assert "1 of 3 episodes did not end." in lines
    assert not any(line.startswith("Germination, ") for line in lines)
    epochs = said(capsys, "show", run, "--episode", 0)
    assert any(line.startswith("Germination, cull and fossilization happen before their epoch") for line in epochs)


def test_the_verdict_comes_last_and_only_of_the_groups_that_were_asked_for(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two ended episodes was as long as its twin: 40% against 93%."""
    lines = said(capsys, "show", run)
    verdict = "ppo: not shown. Kept 40.00%, twin 93.00%: -53.00 points (no CI); 1 env, 1 of 2 episodes (1 unended)."
    assert verdict in lines[-6:]
    assert lines[-1].startswith("Twin: ")
    assert "Of the whole run:" not in lines
    for asked in (("--group", "ppo"), ("--episode", 0)):
        lines = said(capsys, "show", run, *asked)
        assert lines[lines.index("Of the whole run:") + 2] == verdict
    assert not any(line.startswith("Is growing") for line in said(capsys, "show", run, "--group", "other"))


def test_an_episode_shows_its_last_ablation_by_configuration_and_an_epoch_its_own(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "show", run, "--episode", 1)
    start = lines.index("seeds switched off, ppo env 0 episode 1 epoch 2, 360 samples:")
    assert lines[start + 3 : start + 6] == ["none 40.00% -22.00", "late 55.00% -7.00", "early, late 62.00% +0.00"]
    assert sum(line.startswith("seeds switched off") for line in lines) == 1
    start = lines.index("what each seed is worth, from 3 results, 1 missing:")
    assert lines[start + 3 : start + 5] == ["early +7.00 not measured", "late - not measured"]
    lines = said(capsys, "show", run, "--episode", 1, "--epoch", 1)
    assert "seeds switched off, ppo env 0 episode 1 epoch 1, 360 samples:" in lines
    assert "none 40.00% -21.00" in lines


def test_traces_of_marks_are_counted_and_not_listed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "show", run, "--episode", 0)
    assert any(line.endswith("of marks: `nissa traces --marks` lists them.") for line in lines)
    assert not any("stage_transition" in line for line in lines)
    assert not any(line.startswith("Traces (") for line in lines)


def test_traces_bear_the_numbers_by_which_one_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Telemetry("spiked", out=tmp_path) as telemetry:
        for env in (0, 1):
            here = telemetry.scope(group="ppo", env=env, episode=0, epoch=1)
            here.emit(stage())
            for number in range(80):
                here.emit(batch(number, 100.0 if number == 60 else 1.0))
    listed = [line for line in said(capsys, "traces", tmp_path) if "loss_spike" in line]
    shown = [line for line in said(capsys, "show", tmp_path) if "loss_spike" in line]
    of_one = [line for line in said(capsys, "show", tmp_path, "--env", 1) if "loss_spike" in line]
    assert len(listed) == 2
    assert (shown, of_one) == (listed, [line for line in listed if "env 1" in line])


def test_a_run_with_faults_says_so_at_its_head_and_in_its_verdict(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Telemetry("broken", out=tmp_path / "broken") as telemetry:
        told: dict[str, Any] = {
            "hyperparameters": {"injections": ["nan@env0:ep0:epoch5"]},
            "numerics": {"cpu_capability": "AVX2"},
        }
        telemetry.emit(replace(run_started(), **told))
        here = telemetry.scope(group="ppo", env=0, episode=0)
        here.emit(episode_started())
        here.emit(episode_ended())
    lines = said(capsys, "show", tmp_path / "broken")
    assert lines[2] == "numerics: cpu_capability AVX2"
    assert lines[0].startswith("broken: seed 7, ")
    assert lines[0].endswith("; 1 fault injected on purpose")
    assert "Of a training with 1 fault injected on purpose." in lines
    assert "Of a training with 1 fault injected on purpose." in said(capsys, "replay", tmp_path / "broken")
    assert not any("on purpose" in line for line in said(capsys, "show", run))
