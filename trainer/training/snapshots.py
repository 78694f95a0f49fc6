"""The state of model and slots after an epoch, and what an episode came to, in the form in which it is emitted."""

from collections.abc import Mapping, Sequence

from nissa.events.kinds import EpisodeEnded, EpochCompleted, SlotSnapshot
from nissa.trainer.network import Model, Slot
from nissa.trainer.training.epoch import TrainedEpoch
from nissa.trainer.training.history import EpisodeRecord
from nissa.trainer.training.validation import Validation

__all__ = ["episode_ended", "epoch_completed", "slot_snapshot"]


def episode_ended(record: EpisodeRecord, seeds: Mapping[str, int]) -> EpisodeEnded:
    """What came of an episode: of the network that was trained, and of the one that is kept.

    `seeds` says how many were "germinated", "fossilized" and "culled". Raises ValueError if it has not ended.
    """
    final, kept = record.final, record.kept
    if kept is None:
        raise ValueError(f"episode {record.episode} has not ended after epoch {len(record.rewards)}")
    return EpisodeEnded(
        outcome="completed",
        final_accuracy=final.accuracy,
        final_loss=final.loss,
        final_growth_ratio=final.growth_ratio,
        kept_accuracy=kept.accuracy,
        kept_loss=kept.loss,
        growth_ratio=kept.growth_ratio,
        total_reward=sum(record.rewards),
        epochs=len(record.rewards),
        **seeds,
    )


def epoch_completed(
    model: Model, trained: TrainedEpoch, validated: Validation, accuracies: Sequence[float]
) -> EpochCompleted:
    """The epoch, with every slot; `accuracies` are the validation accuracies in percent from epoch 0 until now."""
    seeds = model.seed_params()
    return EpochCompleted(
        train_loss=trained.loss,
        train_accuracy=trained.accuracy,
        val_loss=validated.loss,
        val_accuracy=validated.accuracy,
        n_val=validated.n,
        host_params=model.host_params,
        total_seed_params=seeds,
        total_params=model.host_params + seeds,
        fossilized_params=model.seed_params("FOSSILIZED"),
        host_grad_norm=trained.host_grad_norm,
        seed_grad_norms=trained.seed_grad_norms,
        isolation_leakage=trained.isolation_leakage,
        isolation_forward_leakage=trained.isolation_forward_leakage,
        seed_non_finite=trained.seed_non_finite,
        slots=[slot_snapshot(slot, accuracies) for slot in model.slots.values()],
    )


def slot_snapshot(slot: Slot, accuracies: Sequence[float]) -> SlotSnapshot:
    """A slot now. What was not measured, or belongs to a seed where there is none, is None."""
    seed, gate, now = slot.seed, slot.gate, accuracies[-1]
    return SlotSnapshot(
        slot=slot.name,
        stage=slot.stage,
        epochs_in_stage=slot.epochs_in_stage,
        seed=seed.name if seed else None,
        blueprint=seed.blueprint if seed else None,
        seed_params=seed.params if seed else 0,
        alpha=slot.alpha,
        counterfactual_contribution=slot.facts.get("counterfactual_contribution"),
        total_improvement=now - seed.accuracy if seed else None,
        improvement_this_epoch=now - accuracies[-2] if seed else None,
        last_gate=gate.gate if gate else None,
        last_gate_passed=gate.passed if gate else None,
        last_gate_reason=gate.reason if gate else None,
    )
