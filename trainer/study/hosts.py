"""What does size alone bring? The host trained alone at several widths, with the same steps and order of the data."""

from collections.abc import Iterable
from typing import NamedTuple

from nissa.operators.statistics import SizeCurve
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.context import run_started, seed_everything
from nissa.trainer.data import load_held_out
from nissa.trainer.environment import data_seed
from nissa.trainer.network import CHANNELS, Channels
from nissa.trainer.settings import Settings
from nissa.trainer.training import host_baseline_measured, measure, train_twin

__all__ = ["WIDTHS", "Alone", "SizeCurves", "size_curves", "train_hosts", "twins_among"]

WIDTHS: tuple[Channels, ...] = (
    (6, 7, 7),
    CHANNELS,
    (8, 8, 8),
    (8, 9, 8),
    (9, 9, 9),
    (9, 10, 10),
    (10, 11, 10),
    (12, 13, 13),
    (16, 17, 17),
)
"""Channels after each block: 0.77, 1, 1.07, 1.18, 1.33, 1.54, 1.76, 2.56 and 4.3 times the host's parameters."""


class Alone(NamedTuple):
    """A host that was trained alone: its channels, its parameters, and its accuracy in percent on both splits."""

    env: int
    width: Channels
    params: int
    validation: float
    held_out: float


class SizeCurves(NamedTuple):
    """How accurate a host alone is of a size, on each split."""

    validation: SizeCurve
    held_out: SizeCurve


def train_hosts(settings: Settings, telemetry: Telemetry) -> list[Alone]:
    """Train a host of each width in each environment; its group in the log is `never` with its channels behind it."""
    seed_everything(settings.seed)
    telemetry.emit(run_started(settings))
    return [_train(settings, env, width, telemetry) for env in range(settings.envs) for width in WIDTHS]


def twins_among(hosts: Iterable[Alone]) -> dict[int, Alone]:
    """The hosts as they are before they grow, by environment."""
    return {host.env: host for host in hosts if host.width == CHANNELS}


def size_curves(hosts: Iterable[Alone]) -> SizeCurves:
    """The curves through the means at each size."""
    found = list(hosts)
    return SizeCurves(
        SizeCurve.of((host.params, host.validation) for host in found),
        SizeCurve.of((host.params, host.held_out) for host in found),
    )


def _train(settings: Settings, env: int, width: Channels, telemetry: Telemetry) -> Alone:
    emitter, torch_seed = telemetry.scope(group=f"never-{'-'.join(map(str, width))}", env=env), settings.seed + env
    model, course = train_twin(torch_seed, data_seed(torch_seed), settings.epochs, emitter, width)
    emitter.emit(host_baseline_measured(course, model.host_params, None))
    held_out = measure(model, *load_held_out()).accuracy
    return Alone(env, width, model.host_params, course.val_accuracies[-1], held_out)
