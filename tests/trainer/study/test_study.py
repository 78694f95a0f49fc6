"""A study says what came out, with how sure it is, whichever way it fell."""

import json
import math

import pytest

from nissa.events.json_encoding import plain
from nissa.operators.statistics import Interval
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.settings import Settings
from nissa.trainer.study import study
from nissa.trainer.study.outcome import Outcome, alone, grown, mean_outcome
from nissa.trainer.study.study import StudyReport, StudySettings, run_study
from nissa.trainer.study.study_report import format_report, report_rows
from nissa.trainer.training.history import Course, EpisodeRecord, History, Measured


def test_an_episode_is_told_of_two_networks_each_with_its_own_growth_and_against_its_twin() -> None:
    twin = Course(val_losses=[2.0, 1.0, 1.0, 1.0], val_accuracies=[10.0, 80.0, 85.0, 84.0])
    record = EpisodeRecord(
        env=0, episode=0, val_accuracies=[99.0, 80.0, 90.0, 90.0], growth_ratios=[1.0, 1.25, 1.5], val_losses=[0.5] * 4
    )
    with pytest.raises(ValueError, match="episode 0 of environment 0 has not ended"):
        grown(record, twin)
    record.kept = Measured(63.0, 1.5, 1.2)
    assert grown(record, twin) == Outcome(
        kept_accuracy=63.0,
        kept_delta=-21.0,
        kept_growth_ratio=1.2,
        kept_efficiency_ratio=pytest.approx((63.0 / 1.2) / (84.0 / 1.0)),  # type: ignore[arg-type]
        final_accuracy=90.0,
        final_delta=6.0,
        final_growth_ratio=1.5,
        final_efficiency_ratio=pytest.approx((90.0 / 1.5) / (84.0 / 1.0)),  # type: ignore[arg-type]
    )
    host = alone(twin)
    assert (host.kept_accuracy, host.final_accuracy, host.kept_delta, host.final_efficiency_ratio) == (84, 84, 0, 1)
    assert mean_outcome([grown(record, twin), host]).kept_delta == -10.5


@pytest.fixture(scope="module")
def report() -> StudyReport:
    return run_study(StudySettings(seeds=2, envs=1, episodes=2, judged=1, epochs=2), Telemetry)


def test_a_study_reports_every_group_and_figure(report: StudyReport) -> None:
    assert list(report.groups) == ["ppo", "heuristic", "never"]
    assert report.groups["never"]["kept_delta"] == Interval(0.0, 0.0, 0.0)
    assert report.groups["never"]["final_growth_ratio"] == Interval(1.0, 1.0, 1.0)
    # Two epochs are too few for the heuristic to do anything, so it is the host alone.
    assert report.groups["heuristic"] == report.groups["never"]


def test_a_study_can_be_written_as_json(report: StudyReport) -> None:
    back = json.loads(json.dumps(plain(report_rows(report))))
    assert back["settings"]["seeds"] == 2
    ppo, interval = back["groups"]["ppo"], report.groups["ppo"]["kept_delta"]
    assert ppo["kept_delta"] == {"mean": interval.mean, "low": interval.low, "high": interval.high}
    assert back["groups"]["never"]["shown"] == "not shown"


def test_the_figures_are_of_the_last_episodes_and_over_the_means_of_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {0: [(70.0, 50.0), (62.0, 58.0)], 1000: [(80.0, 60.0), (66.0, 64.0)]}  # by seed and episode, of 2 envs

    def train(settings: Settings, telemetry: Telemetry) -> History:
        rows = kept[settings.seed][-settings.episodes :]
        records = [
            EpisodeRecord(env=env, episode=n, val_accuracies=[0, 90], val_losses=[0, 0], growth_ratios=[1.5])
            for n in range(settings.episodes)
            for env in range(2)
        ]
        for record in records:
            record.kept = Measured(rows[record.episode][record.env], 1.0, 1.25)
        twins = [Course(val_accuracies=[0.0, 50.0 + 10 * env], val_losses=[0.0, 0.0]) for env in range(2)]
        return History(episodes=records, twins=twins, weights_digest="")

    monkeypatch.setattr(study, "train", train)
    found = run_study(StudySettings(seeds=2, envs=2, episodes=2, judged=1, epochs=1), Telemetry).groups["ppo"]
    # Of seed 0: (62 - 50 + 58 - 60) / 2 = 5; of seed 1000: (66 - 50 + 64 - 60) / 2 = 10.
    half = 12.7062 * math.sqrt(12.5) / math.sqrt(2)  # Student's t of one degree of freedom
    assert found["kept_delta"] == pytest.approx((7.5, 7.5 - half, 7.5 + half), rel=1e-5)
    ratios = [(62 / 50 + 58 / 60) / 2 / 1.25, (66 / 50 + 64 / 60) / 2 / 1.25]
    assert found["kept_efficiency_ratio"].mean == pytest.approx(sum(ratios) / 2)
    assert found["final_delta"].mean == pytest.approx(35.0)


def test_each_group_and_seed_is_a_run_of_its_own() -> None:
    names = []

    def telemetry(name: str) -> Telemetry:
        names.append(name)
        return Telemetry(name)

    run_study(StudySettings(seeds=2, envs=1, episodes=1, judged=1, epochs=1), telemetry)
    assert names == ["study-ppo-seed0", "study-heuristic-seed0", "study-ppo-seed1", "study-heuristic-seed1"]


def made_up(kept: Interval, final: Interval) -> StudyReport:
    def group(kept: Interval, final: Interval, growth: float) -> dict[str, Interval]:
        figures = {name: Interval(growth, growth, growth) for name in ("growth_ratio", "efficiency_ratio")}
        figures["accuracy"] = Interval(90.0, 89.0, 91.0)
        both = {f"{which}_{name}": value for which in ("kept", "final") for name, value in figures.items()}
        return both | {"kept_delta": kept, "final_delta": final}

    none = Interval(0.0, 0.0, 0.0)
    groups = {"ppo": group(kept, final, 1.25), "never": group(none, none, 1.0)}
    return StudyReport(settings=StudySettings(), groups=groups)


@pytest.mark.parametrize(
    ("delta", "says", "shown"),
    [
        (Interval(2.0, 1.0, 3.0), "more accurate than the host alone, 2.00 (1.00 to 3.00) points", "better"),
        (Interval(-2.0, -3.0, -1.0), "less accurate than the host alone, -2.00 (-3.00 to -1.00) points", "worse"),
        (Interval(2.0, -1.0, 5.0), "not shown to differ from the host alone, 2.00 (-1.00 to 5.00) points", "not shown"),
        (Interval(2.0), "not shown to differ from the host alone, 2.00 points", "not shown"),
    ],
)
def test_the_text_says_which_way_the_networks_that_are_kept_fell(delta: Interval, says: str, shown: str) -> None:
    report = made_up(delta, final=Interval(9.0, 8.0, 10.0))
    text = format_report(report)
    assert f"ppo, kept: {says}; efficiency ratio 1.25 (1.25 to 1.25)." in text
    kept, trained = text.split("trained, with all its seeds")
    assert "2.00" in kept
    assert "9.00 (8.00 to 10.00)" not in kept
    assert "9.00 (8.00 to 10.00)" in trained
    assert "None" not in text
    assert max(len(line) for line in text.splitlines()) <= 120
    assert report_rows(report)["groups"]["ppo"]["shown"] == shown


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"seeds": 0}, "seeds must be at least 1, not 0"), ({"judged": 13}, "judged must be at most 12")],
)
def test_wrong_settings_are_refused_with_what_is_allowed(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StudySettings(**wrong)
