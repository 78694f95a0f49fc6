"""Lightning: a logger, for all that modules `self.log` under names of their own."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from nissa.integrations.numbers import numbers
from nissa.integrations.trainer_run import TrainerRun
from nissa.pipeline.telemetry import Telemetry

__all__ = ["LightningLogger"]


class LightningLogger(Logger):  # type: ignore[misc]
    """`Trainer(logger=LightningLogger("runs/mine"))`, or with a `Telemetry`, which a `LightningCallback` may share.

    With several processes, the first one tells. Raises TypeError if `run` is neither; a directory that holds a run is
    refused with the first thing that is logged.
    """

    def __init__(self, run: Telemetry | Path | str) -> None:
        super().__init__()
        self._run = TrainerRun(run)

    @property
    def name(self) -> str:
        """What Lightning calls its folder by."""
        return "nissa"

    @property
    def version(self) -> str | None:
        """The name of the run; None in other processes than the first."""
        return self._run.name if rank_zero_only.rank == 0 else None

    @property
    @rank_zero_experiment  # type: ignore[untyped-decorator]
    def experiment(self) -> Telemetry:
        """Where to emit more. Lightning asks for it in each process, and gets what does nothing in others."""
        return self._run.telemetry

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Tell those that are numbers, by name."""
        self.experiment.log(numbers(metrics), step=step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Tell the settings, where no callback of the same run has."""
        self._run.begin(lambda: {"hyperparameters": vars(params) if isinstance(params, Namespace) else dict(params)})

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """End a run that was opened for a directory."""
        self._run.end("completed" if status in ("success", "finished") else status)
