"""Lines of one chart stand on one axis, beside the twin that is theirs."""

from itertools import count
from typing import Any

from nissa.cli.runs.report.taking.curves import TWIN, Curves
from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, EpochCompleted, HostBaselineEpoch, ScalarsLogged

TICK = count()


def told(curves: Curves, payload: Any, **where: Any) -> None:
    time = 100.0 + next(TICK) / 1000
    curves(Event(seq=next(TICK), time=time, scope=Scope("run", **where), payload=payload))


def line(curves: Curves, chart: str, part: str = "") -> Any:
    return next((row for row in curves.document() if (row["chart"], row["part"]) == (chart, part)), None)


def test_an_epoch_may_tell_one_of_the_two_that_its_twin_has() -> None:
    curves = Curves()
    told(curves, HostBaselineEpoch(val_accuracy=40.0, val_loss=2.0), env=0, epoch=1)
    told(curves, EpochCompleted(val_accuracy=50.0), env=0, episode=0, epoch=1)
    told(curves, EpochCompleted(val_loss=1.0), env=0, episode=1, epoch=1)
    assert line(curves, "val_accuracy", TWIN)["value"] == [40.0]
    assert line(curves, "val_loss", TWIN)["value"] == [2.0]


def test_a_twin_of_fewer_epochs_begins_anew_with_each_episode() -> None:
    curves = Curves()
    for epoch in (1, 2):
        told(curves, HostBaselineEpoch(val_accuracy=float(epoch)), env=0, epoch=epoch)
    for episode in (0, 1):
        for epoch in (1, 2, 3):
            told(curves, EpochCompleted(val_accuracy=50.0), env=0, episode=episode, epoch=epoch)
    assert line(curves, "val_accuracy")["at"] == [1, 2, 3, 4, 5, 6]
    assert line(curves, "val_accuracy", TWIN)["at"] == [1, 2, 4, 5]


def test_what_is_measured_seldom_or_late_stands_at_its_own_batch() -> None:
    curves = Curves()
    for batch in range(6):
        leak = 0.5 if batch in {3, 5} else None
        told(curves, BatchCompleted(batch=batch, loss=1.0, isolation_leakage=leak), env=0)
    assert line(curves, "loss")["at"] == [0, 1, 2, 3, 4, 5]
    assert line(curves, "isolation_leakage")["at"] == [3, 5]


def test_each_scalar_has_its_own_count() -> None:
    curves = Curves()
    for values in ({"one": 1.0}, {"one": 1.0, "other": 2.0}):
        told(curves, ScalarsLogged(values=values))
    assert (line(curves, "one")["at"], line(curves, "other")["at"]) == ([0, 1], [0])


def test_each_episode_has_the_twin_of_its_own() -> None:
    curves = Curves()
    for episode, value in ((0, 10.0), (1, 20.0), (None, 30.0)):
        told(curves, HostBaselineEpoch(val_accuracy=value), group="a", env=0, episode=episode, epoch=1)
    for episode in (0, 1, 2):
        told(curves, EpochCompleted(val_accuracy=50.0), group="a", env=0, episode=episode, epoch=1)
    assert line(curves, "val_accuracy", TWIN)["value"] == [10.0, 20.0, 30.0]


def test_a_twin_of_no_group_is_nobody_elses() -> None:
    curves = Curves()
    told(curves, HostBaselineEpoch(val_accuracy=1.0), env=0, epoch=1)
    told(curves, EpochCompleted(val_accuracy=50.0), group="a", env=0, episode=0, epoch=1)
    assert line(curves, "val_accuracy", TWIN) is None


def test_points_a_millisecond_apart_stand_apart() -> None:
    curves = Curves()
    for batch in range(5):
        told(curves, BatchCompleted(batch=batch, loss=1.0))
    assert len({*line(curves, "loss")["time"]}) == 5
