"""Did richer telemetry help? A small policy imitates the heuristic, on minimal and on diagnostic features.

It also says how fast a pack is made of a run, and how fast its Dataset feeds a policy.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd import backward

from nissa.cli.main import main
from nissa.operators.statistics.student_t import t_quantile
from nissa.pipeline.packs import Pack, open_pack
from nissa.pipeline.packs.dataset import Decisions, Sample
from tests.benchmarks.measuring import Figure, report

__all__ = ["run"]

RUNS = (0, 4, 8)
"""Seeds of the demos: each trains four hosts, from its own seed on, so that no two train the same."""
SEEDS = range(10)
FRACTIONS = (0.75, 0.25)
"""Of the episodes, by whole hosts: to learn from, and to be judged by."""
PASSES, BATCH, WIDTH = 40, 128, 64
KEPT = Path("build/imitation")
"""Demos that were trained once are not trained again."""


def run() -> None:
    """Balanced accuracy on hosts that were not trained on, over splits and initializations."""
    with tempfile.TemporaryDirectory() as directory:
        folder, seconds = Path(directory) / "pack", _packed(Path(directory) / "pack")
        pack = open_pack(folder)
        base = [_imitated(pack, "base", seed) for seed in SEEDS]
        every = [_imitated(pack, "all", seed) for seed in SEEDS]
        noise = [_imitated(pack, "all", seed, shuffled=True) for seed in SEEDS]
        stats, least, most = pack.head.quick_stats, len(pack.places("base")), len(pack.places())
        report(
            f"Imitation of the heuristic: {stats.decisions} decisions of {len(RUNS) * 4} hosts, {len(SEEDS)} splits",
            [
                Figure(f"balanced accuracy on the {least} minimal features", base, "%"),
                Figure(f"balanced accuracy on all {most}", every, "%"),
                Figure(f"the same with {most - least} shuffled between decisions", noise, "%"),
                *_gain("diagnostic minus minimal features", every, base),
                *_gain("diagnostic minus shuffled features", every, noise),
                Figure("packing, of decisions", [stats.decisions / seconds], "1/s CPU"),
                *_fed(pack),
            ],
        )


def _gain(name: str, ours: Sequence[float], theirs: Sequence[float]) -> list[Figure]:
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean, margin = corrected_interval(differences, FRACTIONS[1] / FRACTIONS[0])
    return [Figure(f"{name}, mean", [mean], "points"), Figure("its 95% interval, either way", [margin], "points")]


def corrected_interval(differences: Sequence[float], test_to_train: float) -> tuple[float, float]:
    """Mean of paired differences over random splits, and the half width of its 95% interval.

    Splits share most of what they are trained on, so their differences are not independent: the variance is multiplied
    by 1/n + test/train instead of 1/n. Nadeau and Bengio (2003), Machine Learning 52:239.
    """
    n = len(differences)
    error = sqrt(statistics.variance(differences) * (1 / n + test_to_train))
    return statistics.fmean(differences), t_quantile(0.975, n - 1) * error


def _packed(folder: Path) -> float:
    """CPU seconds that it took to pack the demos."""
    runs = [str(KEPT / f"seed{seed}") for seed in RUNS]
    for seed, out in zip(RUNS, runs, strict=True):
        if not Path(out).exists():
            assert main(["demo", "--seed", str(seed), "--profile", "diagnostic", "--out", out, "--no-color"]) == 0
    begun = time.process_time()
    assert main(["pack", *runs, "-o", str(folder)]) == 0
    return time.process_time() - begun


def _imitated(pack: Pack, features: str, seed: int, *, shuffled: bool = False) -> float:
    """Balanced accuracy, in percent, of a policy that was trained on the larger part, on the smaller.

    `shuffled`: what is beyond the minimal features is another decision's, so that it can only be noise.
    """
    learned, judged = (part.dataset(features, "heuristic_op") for part in pack.split(seed, FRACTIONS))
    torch.manual_seed(seed)
    rows, told = (_rows(data, len(pack.places("base")) if shuffled else len(data.names)) for data in (learned, judged))
    counts = rows.target.bincount(minlength=len(learned.classes)).clamp(min=1)
    policy, scale = _policy(learned), _scale(rows)
    loss = nn.CrossEntropyLoss(weight=len(rows.target) / counts.float())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=2e-3, weight_decay=0.01)
    for _ in range(PASSES):
        for places in _batches(len(learned)):
            batch = Sample(*(column[places] for column in rows))
            optimizer.zero_grad()
            backward(loss(policy(_inputs(batch, scale)), batch.target))
            optimizer.step()
    with torch.no_grad():
        guessed = policy(_inputs(told, scale)).argmax(1)
    recalls = [float((guessed == told.target)[told.target == one].float().mean()) for one in {*told.target.tolist()}]
    return 100 * statistics.fmean(recalls)


def _batches(rows: int) -> list[Tensor]:
    """Places of all rows in any order, some at a time."""
    order = torch.randperm(rows)
    return [order[start : start + BATCH] for start in range(0, rows, BATCH)]


def _rows(data: Decisions, kept: int) -> Sample:
    """All decisions; the features from place `kept` on are those of another one."""
    features, known, target = data[:]
    other = torch.randperm(len(data))
    features[:, kept:], known[:, kept:] = features[other, kept:], known[other, kept:]
    return Sample(features, known, target)


def _policy(data: Decisions) -> nn.Module:
    inputs = 2 * len(data.names)
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, len(data.classes))
    )


def _scale(rows: Sample) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature, where it was measured."""
    known, values = rows.known, rows.features.nan_to_num()
    count = known.sum(0).clamp(min=1)
    mean = (values * known).sum(0) / count
    spread = (((values - mean) ** 2 * known).sum(0) / count).sqrt()
    return mean, spread.clamp(min=1e-6)


def _inputs(rows: Sample, scale: tuple[Tensor, Tensor]) -> Tensor:
    """Features within a few standard deviations, 0 where missing, and which are there."""
    mean, spread = scale
    values = ((rows.features.nan_to_num() - mean) / spread).clamp(-5, 5) * rows.known
    return torch.cat([values, rows.known.float()], 1)


def _fed(pack: Pack) -> list[Figure]:
    """Decisions a CPU second that the Dataset gives in batches, and that the policy learns from."""
    data = pack.dataset("all", "heuristic_op")
    policy, scale = _policy(data), _scale(data[:])
    optimizer = torch.optim.AdamW(policy.parameters())
    given, learned = list[float](), list[float]()
    for _ in range(5):
        begun = time.process_time()
        batches = [data[places] for places in _batches(len(data))]
        between = time.process_time()
        for rows in batches:
            optimizer.zero_grad()
            backward(nn.functional.cross_entropy(policy(_inputs(rows, scale)), rows.target))
            optimizer.step()
        given.append(len(data) / (between - begun))
        learned.append(len(data) / (time.process_time() - between))
    told = "decisions a CPU second that the"
    return [Figure(f"{told} Dataset feeds", given, "1/s"), Figure(f"{told} policy learns from", learned, "1/s")]
