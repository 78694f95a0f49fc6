"""Whose figures stand side by side: an episode's own twin, a seed's own parameters, and what a verdict is over."""

from pathlib import Path
from typing import Any

from nissa.cli.monitor.courses import Courses
from nissa.cli.monitor.looks import Look
from nissa.cli.monitor.overview import overview
from nissa.cli.monitor.series import accuracies
from nissa.events.event import Event, Scope
from nissa.events.kinds import EpochCompleted, HostBaselineEpoch, SlotSnapshot

PLACE = (None, 0)


def followed(*told: tuple[int | None, int, Any]) -> Courses:
    """What was told of one environment: episodes, epochs, payloads."""
    courses = Courses()
    for seq, (episode, epoch, payload) in enumerate(told):
        courses(Event(seq, float(seq), Scope("r", None, 0, episode, epoch), payload))
    return courses


def lines(courses: Courses, **tables: Any) -> list[str]:
    look = Look(Path("r"), "r", tables, courses)
    return [str(line) for line in overview(look, PLACE)]


def twin(accuracy: float) -> HostBaselineEpoch:
    return HostBaselineEpoch(val_accuracy=accuracy)


def test_an_episode_has_its_own_twin_beside_it_and_else_that_of_all() -> None:
    twins = [(0, 1, twin(10.0)), (1, 1, twin(20.0)), (None, 1, twin(30.0))]
    for episode, accuracy in [(0, 10.0), (1, 20.0), (2, 30.0)]:
        courses = followed((episode, 1, EpochCompleted(val_accuracy=50.0)), *twins)
        assert f"host alone {accuracy:.1f}%" in lines(courses)[0]
        _, alone = accuracies(Look(Path("r"), "r", {}, courses), PLACE)
        assert alone.values == [accuracy]


def test_a_seed_has_its_own_parameters_and_not_those_of_the_next_one_in_its_slot() -> None:
    slots = [SlotSnapshot(slot="a", stage="TRAINING", seed="s2", seed_params=100)]
    courses = followed((3, 1, EpochCompleted(val_accuracy=50.0, slots=slots)))
    where = {"group": None, "env": 0, "episode": 2, "epoch": 9, "slot": "a", "blueprint": "b", "shapley": 5.0}
    text = "\n".join(lines(courses, attribution=[where | {"seed": "s1"}]))
    assert "params," not in text
    assert "★" not in text
    assert "episode 2 epoch 9" in text
    text = "\n".join(lines(courses, attribution=[where | {"seed": "s2"}]))
    assert "100 params" in text
    assert "★" in text


def test_a_verdict_says_what_it_is_over_in_eighty_columns() -> None:
    row: dict[str, Any] = {"group": None, "shown": "not shown", "envs": 12, "episodes": 1_240, "compared": 1_200}
    means = {"kept_accuracy_mean": 52.31, "efficiency_ratio_mean": 0.9, "growth_ratio_mean": 1.2}
    delta = {"mean": -12.31, "low": -24.12, "high": 10.23}
    row |= means | {f"kept_training_delta_{end}": value for end, value in delta.items()}
    told = lines(followed((0, 1, EpochCompleted(val_accuracy=50.0))), verdicts=[row])
    assert any("-12.3 points (95% CI -24.1 to +10.2)" in line for line in told)
    assert any("12 envs, 1,200 of 1,240 episodes" in line for line in told)
    assert max(map(len, told)) <= 80


def test_an_alert_that_nothing_ended_is_not_called_over() -> None:
    where = {"run": "r", "group": None, "env": 0, "episode": None, "epoch": 4, "update": None, "severity": "warning"}
    rows = [
        where | {"alert": name, "what": "told", "state": state}
        for name, state in [("loss_spike", "over"), ("rank_straggler", "open at the end"), ("loss_drift", "over")]
    ]
    (told,) = (line for line in lines(Courses(), alerts=rows) if line.startswith("ALERTS"))
    assert told == "ALERTS      none stands, 1 open at the end, 2 over"
