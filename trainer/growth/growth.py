"""Carries out what a policy decides, and takes the seeds of a model through their stages after each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nissa.events.kinds import Action
from nissa.trainer.data import load_digits, stream
from nissa.trainer.growth.lifecycle import advance, cull, fossilize, germinate, mix_in
from nissa.trainer.network import Model, Seed, Slot
from nissa.trainer.training import TrainedEpoch, trend, validate

__all__ = ["Growth"]


@dataclass
class Growth:
    """The seeds of one episode: how many were germinated, fossilized and culled.

    `names` starts the names of the seeds, their initializations come from `torch_seed`, and `initiator` is who decides.
    If they are not `isolated`, seeds take part in full as soon as they germinate.
    """

    model: Model
    names: str
    torch_seed: int
    initiator: str
    isolated: bool = True
    germinated: int = 0
    fossilized: int = 0
    culled: int = 0
    _tried: int = 0
    _sown: list[Seed] = field(default_factory=list)

    def act(self, action: Action, accuracy: float, epochs_left: int) -> str | None:
        """Do what was decided, if slot and gates allow it; `accuracy` is the validation accuracy in percent, now.

        Returns what refused it: a gate, or the stage of a slot in which that cannot be done. None if it was done.
        Raises KeyError for a slot that there is not.
        """
        if action.op == "WAIT":
            return None
        slot = self.model.slots[action.slot or ""]
        stage, asked = slot.stage, slot.gate
        if self._done(slot, action, accuracy, epochs_left):
            return None
        return slot.gate.gate if slot.gate and slot.gate is not asked else stage

    def observe(self, trained: TrainedEpoch, accuracies: Sequence[float], contributions: dict[str, float]) -> None:
        """Note, after an epoch, what the gates will ask about each seed."""
        for slot in self.model.seeded():
            slot.finite_epochs = slot.finite_epochs + 1 if trained.is_finite(slot.name) else 0
            slot.facts = {
                "epochs_in_stage": float(slot.epochs_in_stage),
                "gradient_norm": trained.seed_grad_norms[slot.name],
                "finite_epochs": float(slot.finite_epochs),
                "isolation_leakage": trained.isolation_leakage,
                "isolation_forward_leakage": trained.isolation_forward_leakage,
                "alpha": slot.alpha,
                "accuracy_change": accuracies[-1] - slot.entry_accuracy,
                "accuracy_trend": trend(accuracies),
                "counterfactual_contribution": contributions.get(slot.name),
            }

    def advance(self, accuracy: float) -> None:
        """Let every seed whose gate is due through it, or cull it when its time is up."""
        for slot in self.model.seeded():
            self.culled += advance(slot, accuracy, self._measure)

    def end(self, accuracy: float) -> None:
        """The episode is over: what did not fossilize is culled."""
        for slot in self.model.seeded():
            self.culled += cull(slot, accuracy, self._measure, reason="the episode ended", initiator="episode_end")

    def counts(self) -> dict[str, int]:
        """Seeds germinated, fossilized and culled so far."""
        return {"germinated": self.germinated, "fossilized": self.fossilized, "culled": self.culled}

    def fates(self) -> list[tuple[str, bool]]:
        """Of each seed that germinated, its blueprint, and whether it is fossilized now."""
        kept = {slot.seed.name for slot in self.model.seeded() if slot.seed and slot.stage == "FOSSILIZED"}
        return [(seed.blueprint, seed.name in kept) for seed in self._sown]

    def _measure(self) -> float:
        return validate(self.model, load_digits()).accuracy

    def _done(self, slot: Slot, action: Action, accuracy: float, epochs_left: int) -> bool:
        if action.op == "GERMINATE":
            return slot.seed is None and self._germinate(slot, action, accuracy, epochs_left)
        if action.op == "FOSSILIZE":
            done = fossilize(slot, accuracy)
            self.fossilized += done
        else:
            by = self.initiator
            done = cull(slot, accuracy, self._measure, reason=f"decided by {by}", initiator=by)
            self.culled += done
        return done

    def _germinate(self, slot: Slot, action: Action, accuracy: float, epochs_left: int) -> bool:
        seed = Seed(
            f"{self.names}-{self._tried}",
            action.blueprint or "norm",
            action.blend or "linear",
            slot.channels,
            torch_seed=stream("seed", self.torch_seed, self._tried),
            accuracy=accuracy,
        )
        self._tried += 1
        growth = self.model.growth_ratio() + seed.params / self.model.host_params
        done = germinate(slot, seed, {"growth_ratio_after": growth, "epochs_left": float(epochs_left)})
        if done:
            self.germinated += 1
            self._sown.append(seed)
            if not self.isolated:
                mix_in(slot, accuracy)
        return done
