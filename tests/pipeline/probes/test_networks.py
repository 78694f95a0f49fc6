"""On every network of the benchmark, a training that is watched in full is the one that is not, to the last bit."""

import hashlib

import pytest
import torch
from torch.nn.functional import cross_entropy

from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.networks import NETWORKS, Network


def trained(network: Network, config: str | None) -> tuple[list[float], str]:
    """Losses of two steps, and a digest of weights, buffers and the generator's state, with a look at the end."""
    with torch.random.fork_rng(devices=[]), Telemetry("test", config=config or "minimal") as telemetry:
        torch.manual_seed(3)
        model, (inputs, labels) = network.make(), network.batch()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        watch, losses = Watch(telemetry, model) if config else None, []
        for _ in range(2):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            if watch:
                watch.step()
            optimizer.step()
            losses.append(loss.item())
        if watch:
            watch.epoch(inputs[:8], labels[: len(labels) * 8 // len(inputs)])
        assert not telemetry.state().faults
        bits = b"".join(tensor.numpy().tobytes() for tensor in [*model.state_dict().values(), torch.get_rng_state()])
        return losses, hashlib.sha256(bits).hexdigest()


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: f"{network.name}-{network.epoch}-{network.pairs}")
def test_a_watch_changes_nothing(network: Network) -> None:
    plain = trained(network, None)
    assert [trained(network, profile) for profile in ("standard", "diagnostic", "research")] == [plain] * 3
