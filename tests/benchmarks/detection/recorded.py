"""The losses of real trainings, kept in two files: those to choose constants by, and those to report.

`python -m tests.benchmarks.detection.recorded` trains anew and writes both, in about a minute. Other versions of
torch, and other processors, give other digits.
"""

import gzip
from itertools import islice
from pathlib import Path

import torch

from tests.benchmarks.detection.training import Training

__all__ = ["Losses", "to_choose", "to_report"]

Losses = dict[str, list[list[float]]]
"""By training, a curve for each seed."""

STEPS = 1_500
_HERE = Path(__file__).parent


def to_choose() -> Losses:
    """Six trainings."""
    return _read(_HERE / "losses_to_choose.csv.gz")


def to_report() -> Losses:
    """Five others, on which nothing is tuned."""
    return _read(_HERE / "losses_to_report.csv.gz")


def _read(file: Path) -> Losses:
    losses: Losses = {}
    for line in gzip.decompress(file.read_bytes()).decode().splitlines():
        name, _, values = line.split(";")
        losses.setdefault(name, []).append([float(value) for value in values.split(",")])
    return losses


def _write(file: Path, trainings: dict[str, Training], seeds: range) -> None:
    rows = []
    for name, training in trainings.items():
        for seed in seeds:
            torch.manual_seed(seed)
            losses = [float(loss.detach()) for loss in islice(training(), STEPS)]
            rows.append(f"{name};{seed};{','.join(f'{loss:.5g}' for loss in losses)}\n")
            print(f"{name}, seed {seed}: {losses[0]:.4g} to {losses[-1]:.4g}", flush=True)
    file.write_bytes(gzip.compress("".join(rows).encode(), mtime=0))


if __name__ == "__main__":
    from tests.benchmarks.detection import trainings_to_choose, trainings_to_report

    torch.set_num_threads(1)
    _write(_HERE / "losses_to_choose.csv.gz", dict(trainings_to_choose.TRAININGS), range(3))
    _write(_HERE / "losses_to_report.csv.gz", dict(trainings_to_report.TRAININGS), range(200, 203))
