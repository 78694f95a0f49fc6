"""Why was something decided, and was it right? Derived from what was known before it, and from what came after."""

from nissa.events.kind import Importance, Payload, kind
from nissa.events.units import Count, DoublePoints, Loss, Percent, Points

__all__ = ["DecisionExplained", "DecisionJudged"]


@kind(Importance.ROUTINE, derived=True)
class DecisionExplained(Payload):
    """What spoke for a decision and against the others, of all that was known before it."""

    narrative: str | None = None
    """`epoch_assessed.narrative` of the epoch before; None before the first."""
    red_flags: list[str]
    """What was wrong after the epoch before, the worst first."""
    opportunities: list[str]
    """What could be done after the epoch before."""
    why_this_action: str
    """The state of the slots that it is about, the probability that it was drawn with, what the critic expected, what
    the heuristic would have done, what refused it."""
    why_not_alternatives: dict[str, str]
    """By operation that was not chosen: what masked it, or where it could have been done and what that seed is worth,
    the probability that was left, and whether the heuristic would have done it."""


@kind(Importance.ROUTINE, derived=True)
class DecisionJudged(Payload):
    """A decision in hindsight: told ten epochs later, of a fossilization when its episode ends.

    "n epochs later" is after n epochs were trained with it, from the one that followed the decision on. A net gain is
    of all that the network did in these epochs, not of the decision alone.
    """

    decision_epoch: Count
    """Epoch before which it was decided."""
    op: str
    """Operation decided."""
    was_good_decision: bool | None = None
    """True for `verdict` "good", False for "bad"; None where it is not decided."""
    verdict: str
    """"good", "bad" or "undecided": whether the 95% interval of what it is judged by excludes 0."""
    judged_by: str | None = None
    """"against_waiting" of a fossilization, else "net_gain_10_epochs_later" of a germination, whose seed takes no part
    before, and "net_gain_5_epochs_later" of the others; None where that is not known, or it was not carried out."""
    accuracy_1_epochs_later: Percent | None = None
    """Validation accuracy 1 epoch later; None where the episode ended before, here and below."""
    accuracy_5_epochs_later: Percent | None = None
    """Validation accuracy 5 epochs later."""
    accuracy_10_epochs_later: Percent | None = None
    """Validation accuracy 10 epochs later."""
    loss_1_epochs_later: Loss | None = None
    """Validation loss 1 epoch later."""
    loss_5_epochs_later: Loss | None = None
    """Validation loss 5 epochs later."""
    loss_10_epochs_later: Loss | None = None
    """Validation loss 10 epochs later."""
    net_gain_1_epochs_later: DoublePoints | None = None
    """Change of the validation accuracy in 1 epoch minus what the host-only twin gained in the same."""
    net_gain_5_epochs_later: DoublePoints | None = None
    """Change of the validation accuracy in 5 epochs minus what the host-only twin gained in the same."""
    net_gain_10_epochs_later: DoublePoints | None = None
    """Change of the validation accuracy in 10 epochs minus what the host-only twin gained in the same."""
    net_gain_se: Points | None = None
    """Standard error of the net gain that `judged_by` names, or would; too large rather than too small, because it
    takes the four accuracies as independent."""
    against_waiting: Points | None = None
    """What the network has by it that it would lack without, where that was measured with nothing trained in between.
    Of a fossilization: the ablation of the seed at the episode's end, which would have culled it. Of a cull: validation
    accuracy right after minus right before."""
    against_waiting_se: Points | None = None
    """Standard error of `against_waiting`, likewise too large; None where the size of the validation set was not told.
    """
    against_waiting_epochs: Count | None = None
    """Epochs trained between the decision and that measurement."""
