"""An environment: one initialization and data order, the host twin that belongs to it, and episode after episode."""

from pathlib import Path

from nissa.events.kinds import EpisodeStarted
from nissa.pipeline.probes import Watch
from nissa.pipeline.run_context import rng_digests
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.again import Again
from nissa.trainer.data import N_CLASSES, stream
from nissa.trainer.episode import Episode
from nissa.trainer.faults import sabotaged
from nissa.trainer.growth import Growth
from nissa.trainer.network import ARCHITECTURE, SLOT_CHANNELS, Model, host_flops
from nissa.trainer.policy import PPO, Policy
from nissa.trainer.settings import Settings, host_hyperparameters
from nissa.trainer.training import (
    EpisodeRecord,
    host_baseline_measured,
    hosts_alone,
    save_initial,
    train_twin,
    weights_digest,
)

__all__ = ["Environment", "data_seed"]

_DATA_SEEDS = 1_000_000


def data_seed(torch_seed: int) -> int:
    """What the order of the data is drawn from, in an environment that is initialized from `torch_seed`."""
    return _DATA_SEEDS + torch_seed


class Environment:
    """Number `index` of a run, under a policy. Its twin is trained at once: `alone` is the host, `twin` its course.

    The initial weights are kept under `out`, if given; raises OSError if they cannot be. `again` says what a run that
    is trained again takes over.
    """

    def __init__(
        self,
        index: int,
        settings: Settings,
        policy: Policy,
        telemetry: Telemetry,
        *,
        out: Path | None = None,
        again: Again = Again(),  # noqa: B008  # frozen
    ) -> None:
        self.index, self.settings, self.policy, self.telemetry = index, settings, policy, telemetry
        self.again = again
        self.emitter = emitter = telemetry.scope(group=settings.group, env=index)
        self.torch_seed = settings.seed + index
        self.data_seed = data_seed(self.torch_seed)
        self.alone, self.twin = train_twin(self.torch_seed, self.data_seed, settings.epochs, emitter)
        self.model = Model(self.torch_seed, emitter)
        checkpoint = save_initial(self.torch_seed, index, out) if out else None
        emitter.emit(host_baseline_measured(self.twin, self.model.host_params, checkpoint))
        widths = () if index else settings.widths
        for told in hosts_alone(widths, self.torch_seed, self.data_seed, settings.epochs, emitter):
            emitter.emit(told)

    def start(self, number: int) -> Episode:
        """Episode `number`, from 0: a new host, initialized like all others of this environment; its seeds are not."""
        self.model = Model(self.torch_seed, self.emitter)
        if self.again.without:
            self.model.slots[self.again.without].closed = True
        self.emitter.move(episode=number, epoch=0)
        self.emitter.emit(self._started())
        seeds = stream("episode", self.torch_seed, number)
        names, isolated = f"env{self.index}-ep{number}", not self.settings.unisolated
        growth = Growth(self.model, names, seeds, self._initiator, isolated)
        record = EpisodeRecord(env=self.index, episode=number)
        watch = Watch(
            self.telemetry,
            self.model,
            parts=self.model.parts,
            emitter=self.emitter,
            slots=list(SLOT_CHANNELS),
            classes=[str(digit) for digit in range(N_CLASSES)],
            follow=self.again.follow,
            seed=stream("probes", self.torch_seed, number),
        )
        train = sabotaged(self.settings.injections, self.index, number)
        return Episode(
            watch,
            self.policy,
            growth,
            self.twin,
            record,
            train=train,
            data_seed=self.data_seed,
            settings=self.settings,
        )

    @property
    def _initiator(self) -> str:
        return "heuristic" if self.settings.policy == "heuristic" else "policy"

    def _started(self) -> EpisodeStarted:
        return EpisodeStarted(
            policy=self.settings.policy,
            torch_seed=self.torch_seed,
            data_seed=self.data_seed,
            task_type="classification",
            max_epochs=self.settings.epochs,
            host_architecture=ARCHITECTURE,
            host_params=self.model.host_params,
            host_flops=host_flops(),
            slot_config={**SLOT_CHANNELS},
            hyperparameters=host_hyperparameters(),
            initial_digest=weights_digest([self.model.host]),
            rng_digests=rng_digests() | (self.policy.rng_digests() if isinstance(self.policy, PPO) else {}),
        )
