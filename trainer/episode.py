"""One episode: a new host, grown by a policy while it trains. Copy from here how a trainer tells Nissa what it does."""

from nissa.operators.attribution import ablations
from nissa.pipeline.probes import Watch
from nissa.trainer.data import batches, generator, load_digits
from nissa.trainer.faults import Train
from nissa.trainer.growth import Growth
from nissa.trainer.policy import Policy, Situation, SlotView, Transition, diagnostics, reward_components
from nissa.trainer.settings import Settings
from nissa.trainer.training import (
    Course,
    EpisodeRecord,
    Measured,
    TrainedEpoch,
    Validation,
    episode_ended,
    epoch_completed,
    factorial,
    validate,
)

__all__ = ["Episode"]


class Episode:
    """A model that trains as `settings` say. `watch` looks at it, from its environment and episode.

    `growth` holds the model and its seeds, `twin` is the course of the same host trained alone, `record` is empty,
    and `train` trains an epoch: `train_epoch`, unless a fault was injected.
    """

    def __init__(
        self,
        watch: Watch,
        policy: Policy,
        growth: Growth,
        twin: Course,
        record: EpisodeRecord,
        *,
        train: Train,
        data_seed: int,
        settings: Settings,
    ) -> None:
        self.watch, self.emitter, self.policy = watch, watch.emitter, policy
        self.growth, self.twin, self.record, self.train = growth, twin, record, train
        self.model, self.order, self.epochs = growth.model, generator(data_seed), settings.epochs
        self.settings = settings
        self.trained: TrainedEpoch | None = None
        self.transitions: list[Transition] = []
        record.note(validate(self.model, load_digits()))

    def run_epoch(self, epoch: int) -> None:
        """Decide, train, look, and say what happened."""
        emit, watch, accuracies = self.emitter.emit, self.watch, self.record.val_accuracies
        self.emitter.move(epoch=epoch)
        with watch.phase("decide"):
            decision = self.policy(self._situation(epoch))
            refused = self.growth.act(decision.action, accuracies[-1], self.epochs - epoch + 1)
        with watch.phase("train"):
            loaded = watch.loading(batches(load_digits(), self.order))
            trained = self.train(self.model, loaded, report=emit, look=watch.step)
        with watch.phase("validate"):
            validated = validate(self.model, load_digits())
        with watch.phase("counterfactual"):
            matrix = factorial(watch, self.model, load_digits())
        self._note(trained, validated)
        self.growth.observe(trained, accuracies, ablations(matrix) if matrix else {})
        watch.epoch(load_digits().val_images, load_digits().val_labels)
        emit(epoch_completed(self.model, trained, validated, accuracies))
        if matrix:
            emit(matrix)
        rate = self.model.optimizer.param_groups[0]["lr"]
        self.emitter.log({"learning_rate": rate, "clipped_ratio": trained.clipped}, step=epoch)
        self.growth.advance(accuracies[-1])
        if epoch == self.epochs:
            # Before the last decision is scored: what the end takes away is its price.
            self._keep()
        earned = self._earned(epoch)
        emit(decision.made(earned, accuracy_delta=self.record.delta(epoch), refused_by=refused))
        self.transitions.append(Transition(decision, sum(earned.values())))

    def end(self) -> EpisodeRecord:
        """Say, after the last epoch, what came of it all. Raises ValueError before that."""
        self.emitter.emit(episode_ended(self.record, self.growth.counts()))
        return self.record

    def _keep(self) -> None:
        """Cull what did not fossilize, and measure what is left."""
        self.growth.end(self.record.val_accuracies[-1])
        kept = validate(self.model, load_digits())
        self.record.kept = Measured(kept.accuracy, kept.loss, self.model.growth_ratio())

    def _situation(self, epoch: int) -> Situation:
        """What there is to see before an epoch."""
        record = self.record
        return Situation(
            epochs_left=self.epochs - epoch + 1,
            max_epochs=self.epochs,
            train_accuracy=record.train_accuracies[-1] if record.train_accuracies else 0.0,
            accuracies=tuple(record.val_accuracies),
            val_loss=record.val_losses[-1],
            growth_ratio=self.model.growth_ratio(),
            germinated=self.growth.germinated,
            slots=tuple(SlotView.of(slot) for slot in self.model.slots.values()),
            diagnostics=diagnostics(self.trained, record.val_losses[-1]) if self.settings.diagnostics else (),
        )

    def _note(self, trained: TrainedEpoch, validated: Validation) -> None:
        self.trained = trained
        self.record.note(validated)
        self.record.train_losses.append(trained.loss)
        self.record.train_accuracies.append(trained.accuracy)
        self.record.growth_ratios.append(self.model.growth_ratio())

    def _earned(self, epoch: int) -> dict[str, float]:
        """Reward of an epoch by component."""
        record = self.record
        earned = reward_components(
            accuracy_delta=record.delta(epoch),
            twin_delta=self.twin.delta(epoch),
            kept_delta=record.kept.accuracy - record.final.accuracy if record.kept else 0.0,
            growth_ratio=record.growth_ratios[-1],
            flops_ratio=self.model.flops_ratio() if self.settings.compute_cost else None,
        )
        record.rewards.append(sum(earned.values()))
        return earned
