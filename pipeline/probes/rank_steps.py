"""What did a step take in this rank alone? Ranks wait for each other: a whole step takes as long in all of them.

A rank waits for no other until its first gradient is there: then DistributedDataParallel begins to exchange them. That
is seen by a hook on the parameter whose gradient comes first, the last one of the network. It reads the clock, and
changes nothing. Where no such gradient comes, as of sharded parameters, it is not told.

>>> import torch
>>> from nissa.pipeline.probes.throughput import Throughput
>>> model = nn.Linear(1, 1)
>>> steps = RankSteps(model)
>>> model(torch.ones(1, 1)).sum().backward()
>>> now = time.perf_counter()
>>> timed = steps.timed(7, Lap(now - 1.0, now, *Throughput().last[2:]))
>>> timed.batch, timed.seconds, 0.0 < timed.own_seconds <= 1.0, timed.loading
(7, 1.0, True, None)
"""

import time

from torch import Tensor, nn

from nissa.events.kinds import StepTimed
from nissa.pipeline.probes.throughput import Lap

__all__ = ["RankSteps"]


class RankSteps:
    """Of one network, in one rank of a job."""

    def __init__(self, network: nn.Module) -> None:
        self._ready: float | None = None
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        if trained:
            trained[-1].register_hook(self._note)  # type: ignore[no-untyped-call]

    def timed(self, batch: int, lap: Lap) -> StepTimed:
        """What is known of the step that ends now."""
        ready, self._ready = self._ready, None
        own_seconds = None if ready is None or lap.began is None else max(0.0, ready - lap.began)
        return StepTimed(
            batch=batch, seconds=lap.seconds, own_seconds=own_seconds, loading=lap.loading, samples=lap.samples
        )

    def _note(self, _: Tensor) -> None:
        # Of several backward passes in a step, the last one counts: in those before, nothing need be exchanged.
        self._ready = time.perf_counter()
