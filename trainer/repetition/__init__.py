"""Does a recorded run come out the same when it is trained again? What it takes, what is compared, and what differs."""

from nissa.trainer.repetition.comparison import Comparison, Difference, compare
from nissa.trainer.repetition.conditions import differing, refusals
from nissa.trainer.repetition.leaves import comparable, not_compared
from nissa.trainer.repetition.recorded import NothingToTrainError, RecordedRun, recorded_run
from nissa.trainer.repetition.repeat import compare_runs, train_again
from nissa.trainer.repetition.without import Without, without_slot

__all__ = [
    "Comparison",
    "Difference",
    "NothingToTrainError",
    "RecordedRun",
    "Without",
    "comparable",
    "compare",
    "compare_runs",
    "differing",
    "not_compared",
    "recorded_run",
    "refusals",
    "train_again",
    "without_slot",
]
