"""A study says what came out, with how sure it is, whichever way it fell. Its tables are checked by hand."""

import json
from dataclasses import replace

import pytest

from nissa.events.json_encoding import plain
from nissa.operators.statistics import Interval
from nissa.trainer.study.hosts import WIDTHS, Alone
from nissa.trainer.study.outcome import Figures, Outcome
from nissa.trainer.study.repetition import Repetition
from nissa.trainer.study.report import StudyReport, reported
from nissa.trainer.study.report_json import report_rows
from nissa.trainer.study.report_text import format_report
from nissa.trainer.study.settings import StudySettings

T = 12.706204736
"""Student's t of one degree of freedom, for 95%."""
SETTINGS = StudySettings(seeds=2, envs=1)


def outcome(accuracy: float, twin: float, equal: float | None) -> Outcome:
    delta = None if equal is None else accuracy - equal
    figures = Figures(accuracy, accuracy - twin, equal, delta, 1.5, accuracy / 1.5 / twin)
    return Outcome(figures, figures, figures._replace(accuracy=99.0))


def repetition(ppo: float, heuristic: float, twin: float, equal: float | None = 90.0) -> Repetition:
    groups = {"ppo": ppo, "heuristic": heuristic, "random": twin, "heuristic+unisolated": heuristic}
    outcomes = {name: outcome(accuracy, twin, equal) for name, accuracy in groups.items()}
    hosts = [Alone(0, width, 1000 + 100 * n, 70.0 + n, twin + n - 1) for n, width in enumerate(WIDTHS)]
    shapley = {"ppo": {"norm": [ppo - 90.0, ppo - 80.0]}, "heuristic": {}}
    return Repetition({**outcomes, "never": outcome(twin, twin, twin)}, shapley, hosts)


@pytest.fixture
def report() -> StudyReport:
    return reported(SETTINGS, [repetition(94.0, 92.0, 88.0), repetition(96.0, 91.0, 89.0)])


def interval(first: float, second: float) -> tuple[object, ...]:
    mean, half = (first + second) / 2, T * abs(first - second) / 2
    return tuple(pytest.approx(value, abs=1e-6) for value in (mean, mean - half, mean + half))


def test_figures_are_means_over_seeds_with_intervals_of_t(report: StudyReport) -> None:
    ppo = report.groups["ppo"].figures["held_out"]
    assert list(report.groups) == ["ppo", "heuristic", "random", "heuristic+unisolated", "never"]
    assert ppo["accuracy"] == interval(94.0, 96.0)
    assert ppo["training_delta"] == interval(6.0, 7.0)
    assert ppo["equal_delta"] == interval(4.0, 6.0)
    assert report.groups["ppo"].figures["final"]["accuracy"] == (99.0, 99.0, 99.0)


def test_groups_are_told_apart_seed_by_seed(report: StudyReport) -> None:
    found = {(one.first, one.second): one for one in report.contrasts}
    assert found["ppo", "heuristic"].accuracy == interval(2.0, 5.0)
    assert found["ppo", "random"].accuracy == interval(6.0, 7.0)
    assert found["heuristic", "heuristic+unisolated"].accuracy == (0.0, 0.0, 0.0)
    assert len(found) == 3


def test_hosts_are_told_by_size_against_the_usual_one(report: StudyReport) -> None:
    sizes = [(host.params, round(host.growth_ratio, 4)) for host in report.hosts[:3]]
    assert sizes == [(1000, 0.9091), (1100, 1.0), (1200, 1.0909)]
    assert report.hosts[2].held_out == interval(89.0, 90.0)
    assert report.hosts[2].held_out_delta == (1.0, 1.0, 1.0)
    assert report.hosts[2].validation == (72.0, 72.0, 72.0)


def test_a_blueprint_is_worth_the_mean_of_the_means_of_seeds(report: StudyReport) -> None:
    (name, found), *rest = report.groups["ppo"].attribution.items()
    assert (name, found.networks, rest) == ("norm", 4, [])
    assert found.shapley == interval(9.0, 11.0)
    assert report.groups["heuristic"].attribution == {}


def test_what_one_seed_does_not_tell_is_not_told_of_the_others() -> None:
    report = reported(SETTINGS, [repetition(94.0, 92.0, 88.0), repetition(96.0, 91.0, 89.0, equal=None)])
    ppo = report.groups["ppo"].figures["held_out"]
    assert (ppo["equal_accuracy"], ppo["equal_delta"]) == (Interval(), Interval())
    assert ppo["accuracy"].mean == 95.0
    assert report.contrasts[0].equal_delta == Interval()


def test_a_size_that_hosts_reach_is_told_and_one_beyond_them_is_not(report: StudyReport) -> None:
    # At the n-th width the hosts have 1000 + 100 n parameters and on the mean 87.5 + n percent.
    found = report.groups["heuristic"].equivalent_traditional_params["held_out"]
    assert found.mean == pytest.approx(1400 * (1.0), rel=1e-9)
    assert report.groups["ppo"].equivalent_traditional_params["final"].mean is None


@pytest.mark.parametrize(
    ("second", "shown"),
    [(96.0, "better"), (70.0, "not shown"), (82.0, "worse")],
)
def test_the_text_says_which_way_it_fell(second: float, shown: str) -> None:
    first = 95.5 if shown == "better" else 82.3
    report = reported(SETTINGS, [repetition(first, 92.0, 88.5), repetition(second, 91.0, 89.0)])
    text, rows = format_report(report), report_rows(report)
    assert rows["groups"]["ppo"]["shown"]["training_delta"] == shown
    line = next(line for line in text.split("What it says")[1].splitlines() if line.startswith("ppo"))
    assert line.split("  ")[0] == "ppo"
    assert line.removeprefix("ppo").strip().startswith(f"{shown}  ")
    assert "None" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_study_can_be_written_as_json(report: StudyReport) -> None:
    back = json.loads(json.dumps(plain(report_rows(report))))
    assert back["settings"]["seeds"] == 2
    delta = report.groups["ppo"].figures["held_out"]["training_delta"]
    assert back["groups"]["ppo"]["figures"]["held_out"]["training_delta"] == delta._asdict()
    assert back["groups"]["ppo"]["attribution"]["norm"]["networks"] == 4
    assert next((one["first"], one["shown"]) for one in back["contrasts"]) == ("ppo", "not shown")
    assert back["hosts"][1]["growth_ratio"] == 1.0


def test_one_seed_has_no_interval() -> None:
    report = reported(replace(SETTINGS, seeds=1), [repetition(94.0, 92.0, 88.0)])
    assert report.groups["ppo"].figures["kept"]["training_delta"] == Interval(6.0)
    assert "6.00 " in format_report(report)
