"""Hosts of other widths: trained as the twin is, from the same seed, each with the size that its width makes."""

import random
from typing import Any

import numpy as np
import pytest
import torch

from nissa.events.event import Event
from nissa.events.kinds import HostAloneTrained, HostBaselineMeasured
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.run import Settings, train
from nissa.trainer.training import WIDTHS, hosts_alone, train_twin


def sized(early: int, mid: int, late: int) -> int:
    """Parameters of three convolutions of 3 by 3 and one linear layer, weights and biases."""
    return early * 10 + mid * (9 * early + 1) + late * (9 * mid + 1) + 10 * (late + 1)


def test_a_host_has_the_size_of_its_width() -> None:
    with Telemetry("widths") as telemetry:
        found = [told.host_params for told in hosts_alone((0.75, 1.0, 2.0), 3, 4, 1, telemetry.scope(env=0))]
    assert found == [sized(5, 6, 6), sized(7, 8, 8), sized(14, 16, 16)]


def test_that_of_width_1_is_the_twin_to_the_last_bit() -> None:
    with Telemetry("widths") as telemetry:
        (told,) = hosts_alone((1.0,), 3, 4, 2, telemetry.scope(env=0))
        _, twin = train_twin(3, 4, 2, telemetry.scope(env=0))
    assert (told.final_accuracy, told.final_loss) == (twin.val_accuracies[-1], twin.val_losses[-1])


def test_they_stand_beside_environment_0_and_change_nothing_of_the_run() -> None:
    digests: list[Any] = []
    told = list[Event[Any]]()
    for widths in ((), WIDTHS[:2]):
        seen: list[Event[Any]] = []
        with Telemetry("widths", sinks={"all": seen.append}) as telemetry:
            how = Settings(policy="heuristic", envs=2, episodes=1, epochs=2, seed=5, widths=widths)
            digests.append(train(how, telemetry).weights_digest)
            # Whatever the training drew from them.
            digests.append((random.random(), np.random.random(), torch.rand(1).item()))
        told += [one for one in seen if isinstance(one.payload, HostAloneTrained)]
        assert sum(isinstance(one.payload, HostBaselineMeasured) for one in seen) == 2
    assert digests[:2] == digests[2:]
    assert [(one.scope.env, one.payload.width) for one in told] == [(0, width) for width in WIDTHS[:2]]


@pytest.mark.parametrize("width", [0.0, -1.0, 17.0, float("nan")])
def test_a_width_that_makes_no_host_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="widths must be above 0 and up to 16"):
        Settings(widths=(width,))
