"""The past of a run is bounded by its events, and not by what a clock says."""

from collections import Counter

import pytest

from nissa.events.kinds import BatchCompleted
from nissa.sinks.prometheus import backfill
from nissa.sinks.prometheus.backfill import Backfill
from tests.samples import event


@pytest.mark.parametrize("late", [1e9, 86_400.0 * 365])
def test_a_clock_that_is_set_costs_no_more_than_a_long_silence(late: float) -> None:
    past = Backfill(every=15.0)
    for seq, time in enumerate([30.0, 31.0, 32.0 + late, 50.0 + late, 80.0 + late]):
        made = event(BatchCompleted(batch=seq, loss=float(seq)), seq=seq)
        past(type(made)(seq, time, made.scope, made.payload))
    lines = [line.split() for line in past.lines() if line.startswith("nissa_batch_loss{")]
    times = [float(row[-1]) for row in lines]
    assert len(times) < backfill._LONGEST_SILENCE + 6
    assert Counter(row[-2] for row in lines if float(row[-1]) > late) == {"2.0": 1, "3.0": 2, "4.0": 1}
