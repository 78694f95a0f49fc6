"""Four ranks train the same small network one time after another: well, and with a fault; whole, and sharded.

`torchrun --nproc-per-node 4 -m tests.pipeline.jobs.four_ranks FOLDER`.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import BatchCompleted, EpochCompleted
from nissa.pipeline.probes import Watch
from nissa.pipeline.telemetry import Telemetry

__all__ = ["CASES", "STEPS"]

CASES = ("ddp-none", "ddp-work", "ddp-loading", "ddp-loss", "sharded-none", "sharded-loading")
"""How the network is held, and what is wrong with rank 2 in the second epoch."""
STEPS = 12
_SLOW = 0.25
"""Seconds: more than a process waits for a core of a machine that is busy."""


def network(how: str) -> nn.Module:
    """The same in all ranks, and in all cases; odd sizes, so that shards differ."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 33), nn.ReLU(), nn.Linear(33, 5))
    if how == "ddp":
        return nn.parallel.DistributedDataParallel(model)
    from torch.distributed.fsdp import fully_shard

    for layer in (model[0], model[2]):
        fully_shard(layer)
    fully_shard(model)
    return model


def batches(fault: bool, rank: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Each rank has its own, and of another size."""
    for _ in range(STEPS):
        time.sleep(_SLOW * fault)
        yield torch.randn(8 + rank, 16), torch.randint(5, (8 + rank,))


def train(folder: Path, case: str) -> None:
    """One job."""
    how, fault = case.split("-")
    rank, model = dist.get_rank(), network(how)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    torch.manual_seed(100 + rank)
    with Telemetry(case, out=folder / case, config={"gradients": {"enabled": True, "every": 1}}) as telemetry:
        watch = Watch(telemetry, model, emitter=telemetry.scope(env=0))
        for epoch in (1, 2):
            odd = fault if rank == 2 and epoch == 2 else "none"
            watch.emitter.move(epoch=epoch)
            for batch, (inputs, labels) in enumerate(watch.loading(batches(odd == "loading", rank))):
                time.sleep(_SLOW * (odd == "work"))
                loss = cross_entropy(model(inputs), labels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                watch.step()
                optimizer.step()
                watch.emitter.emit(BatchCompleted(batch=batch, loss=loss.item() * (10 if odd == "loss" else 1)))
            watch.epoch()
            watch.emitter.emit(EpochCompleted(val_loss=float(rank), n_val=10 + rank))
    dist.barrier()


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for one in CASES:
        train(Path(sys.argv[1]), one)
    dist.destroy_process_group()
