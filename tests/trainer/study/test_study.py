"""A study says what came out, with how sure it is, whichever way it fell."""

import json
import math

import pytest

from nissa.events.json_encoding import plain
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.study.interval import Interval, t_interval
from nissa.trainer.study.outcome import Outcome, alone, grown, mean_outcome
from nissa.trainer.study.study import StudyReport, StudySettings, run_study
from nissa.trainer.study.study_report import format_report
from nissa.trainer.training.history import Course, EpisodeRecord


def test_the_interval_is_students() -> None:
    found = t_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.half_width == pytest.approx(2.776445 * math.sqrt(2.5) / math.sqrt(5), rel=1e-6)


def test_one_value_has_a_mean_and_no_interval() -> None:
    assert t_interval([4.0]).mean == 4.0
    assert math.isnan(t_interval([4.0]).half_width)


def test_an_episode_is_judged_against_its_twin_and_by_its_first_peak() -> None:
    twin = Course(val_losses=[2.0, 1.0, 1.0, 1.0], val_accuracies=[10.0, 80.0, 85.0, 84.0])
    record = EpisodeRecord(
        env=0, episode=0, val_accuracies=[99.0, 80.0, 90.0, 90.0], growth_ratios=[1.0, 1.25, 1.5], val_losses=[]
    )
    assert grown(record, twin) == Outcome(final_accuracy=90.0, training_delta=6.0, growth_ratio=1.5, efficiency=72.0)
    assert alone(twin) == Outcome(final_accuracy=84.0, training_delta=0.0, growth_ratio=1.0, efficiency=85.0)
    assert mean_outcome([grown(record, twin), alone(twin)]).training_delta == 3.0


@pytest.fixture(scope="module")
def report() -> StudyReport:
    return run_study(StudySettings(seeds=2, envs=1, episodes=2, judged=1, epochs=2), Telemetry)


def test_a_study_reports_every_group_and_figure(report: StudyReport) -> None:
    assert list(report.groups) == ["ppo", "heuristic", "never"]
    assert report.groups["never"]["training_delta"] == Interval(0.0, 0.0)
    assert report.groups["never"]["growth_ratio"] == Interval(1.0, 0.0)
    # Two epochs are too few for the heuristic to do anything, so it is the host alone.
    assert report.groups["heuristic"] == report.groups["never"]


def test_a_study_can_be_written_as_json(report: StudyReport) -> None:
    back = json.loads(json.dumps(plain(report)))
    assert back["settings"]["seeds"] == 2
    assert back["groups"]["ppo"]["training_delta"] == list(report.groups["ppo"]["training_delta"])


def test_each_group_and_seed_is_a_run_of_its_own() -> None:
    names = []

    def telemetry(name: str) -> Telemetry:
        names.append(name)
        return Telemetry(name)

    run_study(StudySettings(seeds=2, envs=1, episodes=1, judged=1, epochs=1), telemetry)
    assert names == ["study-ppo-seed0", "study-heuristic-seed0", "study-ppo-seed1", "study-heuristic-seed1"]


def made_up(delta: Interval, efficiency: float) -> StudyReport:
    def group(delta: Interval, efficiency: float) -> dict[str, Interval]:
        same = {"final_accuracy": Interval(90.0, 1.0), "growth_ratio": Interval(1.25, 0.1)}
        return same | {"training_delta": delta, "efficiency": Interval(efficiency, 1.0)}

    groups = {"ppo": group(delta, efficiency), "never": group(Interval(0.0, 0.0), 92.0)}
    return StudyReport(settings=StudySettings(), groups=groups)


@pytest.mark.parametrize(
    ("delta", "says"),
    [
        (Interval(2.0, 1.0), "ppo: more accurate than the host alone"),
        (Interval(-2.0, 1.0), "ppo: less accurate than the host alone"),
        (Interval(2.0, 3.0), "ppo: no difference in accuracy beyond chance"),
        (Interval(2.0, math.nan), "ppo: no difference in accuracy beyond chance"),
    ],
)
def test_the_text_says_which_way_it_fell(delta: Interval, says: str) -> None:
    text = format_report(made_up(delta, 75.0))
    assert f"{says}; efficiency -17.00 against the host alone." in text
    assert "1.25 ± 0.10" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"seeds": 0}, "seeds must be at least 1, not 0"), ({"judged": 13}, "judged must be at most 12")],
)
def test_wrong_settings_are_refused_with_what_is_allowed(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StudySettings(**wrong)
