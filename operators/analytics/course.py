"""How does an episode go, as far as the answers at its end need it?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.kinds import DecisionMade, EpochCompleted, SeedsAttributed
from nissa.operators.host_twin import HostTwin

__all__ = ["HORIZON", "MAX_EPOCHS", "Choice", "Course"]

HORIZON = 5
"""Epochs over which what follows a decision is counted: its own and four more."""
MAX_EPOCHS = 1000
"""Epochs of an episode; of more, the first is forgotten."""


class Choice(NamedTuple):
    """A decision that was carried out, beside what the heuristic would have done."""

    epoch: int
    heuristic: str
    policy: str


@dataclass(slots=True)
class Course:
    """An episode until now."""

    accuracies: dict[int, float] = field(default_factory=dict)
    """Validation accuracy in percent after each epoch."""
    seed_params: dict[str, int | None] = field(default_factory=dict)
    """By slot, of the network validated last."""
    choices: list[Choice] = field(default_factory=list)
    attributed: tuple[int | None, SeedsAttributed] | None = None
    """What was measured last, and after which epoch."""

    def validated(self, told: EpochCompleted, epoch: int | None) -> None:
        """Take an epoch in."""
        self.seed_params = {slot.slot: slot.seed_params for slot in told.slots}
        if epoch is not None and told.val_accuracy is not None:
            self.accuracies[epoch] = float(told.val_accuracy)
            if len(self.accuracies) > MAX_EPOCHS:
                del self.accuracies[next(iter(self.accuracies))]

    def decided(self, told: DecisionMade, epoch: int | None) -> None:
        """Take a decision in, where the heuristic was asked and nothing refused it."""
        if epoch is not None and told.heuristic is not None and told.executed is not False:
            self.choices.append(Choice(epoch, told.heuristic.op, told.action.op))
            del self.choices[:-MAX_EPOCHS]

    def last(self) -> SeedsAttributed | None:
        """What the seeds of the network are worth that the last epoch left; None where that was not measured."""
        if self.attributed is None or self.attributed[0] != max(self.accuracies, default=None):
            return None
        return self.attributed[1]

    def followed(self, twin: HostTwin) -> Iterator[tuple[Choice, float]]:
        """Each choice with what followed it: change of the accuracy over `HORIZON` epochs minus that of the twin."""
        start = twin.at(0)
        # Before the first epoch, both are the same network.
        known = self.accuracies if start is None else {0: start} | self.accuracies
        for choice in self.choices:
            before, after = choice.epoch - 1, choice.epoch - 1 + HORIZON
            alone = twin.gained(before, after)
            if alone is not None and before in known and after in known:
                yield choice, known[after] - known[before] - alone
