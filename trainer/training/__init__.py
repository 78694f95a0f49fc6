"""How does the host learn? Epochs, validation, the factorial of its seeds, and its twin that grows nothing."""

from nissa.trainer.training.alone import WIDTHS, hosts_alone
from nissa.trainer.training.clipping import MAX_NORM
from nissa.trainer.training.counterfactual import factorial
from nissa.trainer.training.epoch import TrainedEpoch, train_epoch
from nissa.trainer.training.history import Course, EpisodeRecord, History, Measured, trend, weights_digest
from nissa.trainer.training.snapshots import episode_ended, epoch_completed
from nissa.trainer.training.twin import Twin, host_baseline_measured, save_initial, train_twin
from nissa.trainer.training.validation import Validation, measure, validate

__all__ = [
    "MAX_NORM",
    "WIDTHS",
    "Course",
    "EpisodeRecord",
    "History",
    "Measured",
    "TrainedEpoch",
    "Twin",
    "Validation",
    "episode_ended",
    "epoch_completed",
    "factorial",
    "host_baseline_measured",
    "hosts_alone",
    "measure",
    "save_initial",
    "train_epoch",
    "train_twin",
    "trend",
    "validate",
    "weights_digest",
]
