"""The host with its slots: the network that grows."""

from torch import Tensor, nn

from nissa.pipeline.emitter import Emitter
from nissa.trainer.network.flops import host_flops
from nissa.trainer.network.host import CHANNELS, SLOT_CHANNELS, Channels, Host, n_params, new_host
from nissa.trainer.network.optimizer import new_optimizer
from nissa.trainer.network.slot import ISOLATED, MIXED, Slot

__all__ = ["Model"]


class Model(nn.Module):
    """A host initialized from `torch_seed`, and one empty slot after each of its blocks; `channels` leave each."""

    def __init__(self, torch_seed: int, emitter: Emitter, channels: Channels = CHANNELS) -> None:
        super().__init__()
        self.host: Host = new_host(torch_seed, channels)
        self.optimizer = new_optimizer(self.host)
        self._slots = nn.ModuleList(
            Slot(name, width, emitter) for name, width in zip(SLOT_CHANNELS, channels, strict=True)
        )
        self.host_params = n_params(self.host)

    @property
    def slots(self) -> dict[str, Slot]:
        """From the input to the output."""
        return {slot.name: slot for slot in self._slots if isinstance(slot, Slot)}

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, 1, 8, 8) to logits (n, 10)."""
        logits: Tensor = self.host(images, list(self._slots))
        return logits

    def seeded(self) -> list[Slot]:
        """Slots with a seed."""
        return [slot for slot in self.slots.values() if slot.seed is not None]

    def parts(self) -> dict[str, nn.Module]:
        """What has parameters: the "host", and by its name each slot with a seed."""
        return {"host": self.host, **{slot.name: slot for slot in self.seeded()}}

    def isolated(self) -> list[Slot]:
        """Slots whose seed learns without taking part."""
        return [slot for slot in self.slots.values() if slot.stage in ISOLATED]

    def mixed(self) -> list[Slot]:
        """Slots whose seed takes part in the output."""
        return [slot for slot in self.slots.values() if slot.stage in MIXED]

    def seed_params(self, stage: str | None = None) -> int:
        """Trainable parameters of the seeds, of all or of those in one stage."""
        return sum(slot.seed.params for slot in self.slots.values() if slot.seed and stage in (None, slot.stage))

    def flops_ratio(self) -> float:
        """Operations of a forward pass: (host + seeds) / host, over the seeds present, whatever their stage."""
        return 1 + sum(slot.seed.flops for slot in self.slots.values() if slot.seed) / host_flops()

    def growth_ratio(self) -> float:
        """(host + seeds) / host, over the seeds present, whatever their stage."""
        return 1 + self.seed_params() / self.host_params
