"""What three scalars a step cost the training thread, beside TensorBoard's writer and W&B offline, in one run."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.alternatives import rivals
from tests.benchmarks.measuring import Figure, interleaved, report

__all__ = ["run"]

CALLS = 1_000
Step = Callable[[int], None]


def _values(step: int) -> dict[str, float]:
    return {"lr": 3e-4, "grad_scale": 1024.0, "loss": 1.0 / (step + 1)}


@contextmanager
def _nissa(directory: str) -> Iterator[Step]:
    with Telemetry("bench", out=f"{directory}/nissa", console=False) as telemetry:
        yield lambda step: telemetry.log(_values(step), step)


@contextmanager
def _tensorboard(directory: str) -> Iterator[Step]:
    with import_module("torch.utils.tensorboard").SummaryWriter(f"{directory}/tensorboard") as writer:

        def log(step: int) -> None:
            for name, value in _values(step).items():
                writer.add_scalar(name, value, step)

        yield log


@contextmanager
def _wandb(directory: str) -> Iterator[Step]:
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    wandb = import_module("wandb")
    quiet = wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_code=True, disable_git=True)
    run = wandb.init(project="bench", mode="offline", dir=directory, settings=quiet)
    yield lambda step: run.log(_values(step), step)
    run.finish()


_WAYS = {"nissa": _nissa, "tensorboard": _tensorboard, "wandb": _wandb}


def run() -> None:
    """Nissa writes its log, and runs its operators; the others write theirs."""
    with TemporaryDirectory() as directory, ExitStack() as stack:
        found = {name: way for name, way in _WAYS.items() if find_spec(name)}
        steps = {name: stack.enter_context(way(directory)) for name, way in found.items()}
        spent = interleaved({name: _repeated(step) for name, step in steps.items()}, CALLS, lambda: None)
    report(
        f"Three scalars a step, CPU of the training thread; beside {rivals()}",
        [
            Figure(name, [value / 1000 for value in values], "us", "aim: under 2" if name == "nissa" else "")
            for name, values in spent.items()
        ],
    )


def _repeated(log: Step) -> Step:
    done = 0

    def repeat(calls: int) -> None:
        nonlocal done
        for step in range(done, done + calls):
            log(step)
        done += calls

    return repeat
