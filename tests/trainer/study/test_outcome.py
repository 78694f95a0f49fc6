"""An episode is told against its twin and against hosts of its size, as a calculation by hand has it."""

import pytest

from nissa.operators.statistics import SizeCurve
from nissa.trainer.study.hosts import Alone, SizeCurves
from nissa.trainer.study.judge import Judged
from nissa.trainer.study.outcome import Figures, alone, grown, mean_outcome
from nissa.trainer.training.history import Measured

TWIN = Alone(env=0, width=(7, 8, 8), params=1000, validation=84.0, held_out=80.0)
CURVES = SizeCurves(
    validation=SizeCurve.of([(1000, 84.0), (4000, 94.0)]), held_out=SizeCurve.of([(1000, 80.0), (4000, 88.0)])
)
JUDGED = Judged(env=0, kept=Measured(63.0, 1.5, 2.0), final=Measured(90.0, 0.5, 4.0), held_out=83.0)


def test_three_views_of_an_episode_each_with_its_own_split_and_growth() -> None:
    found = grown(JUDGED, TWIN, CURVES)
    # 2,000 lies in the middle of 1,000 and 4,000 on a logarithmic scale.
    assert found.held_out == pytest.approx(Figures(83.0, 3.0, 84.0, -1.0, 2.0, (83 / 2) / 80))
    assert found.kept == pytest.approx(Figures(63.0, -21.0, 89.0, -26.0, 2.0, (63 / 2) / 84))
    assert found.final == pytest.approx(Figures(90.0, 6.0, 94.0, -4.0, 4.0, (90 / 4) / 84))


def test_a_network_larger_than_every_host_is_not_compared_with_one_of_its_size() -> None:
    larger = JUDGED._replace(kept=Measured(63.0, 1.5, 4.01))
    found = grown(larger, TWIN, CURVES)
    assert (found.held_out.equal_accuracy, found.kept.equal_delta) == (None, None)
    assert found.held_out.training_delta == 3.0
    both = mean_outcome([found, grown(JUDGED, TWIN, CURVES)])
    assert (both.kept.equal_delta, both.held_out.equal_accuracy) == (None, None)
    assert both.kept.growth_ratio == pytest.approx(3.005)


def test_a_host_alone_is_its_own_twin_and_equal() -> None:
    found = alone(TWIN)
    assert found.held_out == Figures(80.0, 0.0, 80.0, 0.0, 1.0, 1.0)
    assert found.kept == found.final == Figures(84.0, 0.0, 84.0, 0.0, 1.0, 1.0)
    assert mean_outcome([found, grown(JUDGED, TWIN, CURVES)]).held_out.training_delta == 1.5
