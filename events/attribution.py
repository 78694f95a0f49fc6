"""What is each seed worth to the network that was trained? Derived from what it does with some of them switched off."""

from dataclasses import field

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, DoublePoints, Loss, Points

__all__ = ["SeedAttribution", "SeedInteraction", "SeedsAttributed"]


@part
class SeedAttribution:
    """A seed's share in the validation accuracy. What the measured configurations do not tell is None."""

    slot: str
    """Slot of the host."""
    seed: str | None = None
    """The seed in it; None if not told."""
    blueprint: str | None = None
    """Blueprint of the seed."""
    shapley: Points | None = None
    """Shapley value: what switching the seed on adds, mean over all orders of switching all seeds on. The values of all
    seeds add up to `ablation_delta`."""
    shapley_se: Points | None = None
    """Standard error of `shapley`, of the validation set and of the orders that were drawn; None where what is right in
    one configuration and wrong in another was not told."""
    shapley_low: Points | None = None
    """Lower end of the 95% interval of `shapley`."""
    shapley_high: Points | None = None
    """Upper end of the 95% interval of `shapley`."""
    marginal: Points | None = None
    """Marginal contribution: what switching the seed on adds, mean over all configurations of the others; None unless
    all were measured."""
    loss_shapley: Loss | None = None
    """Shapley value in the validation loss: what switching the seed on takes away from it, mean over all orders. Above
    0 it lowers the loss; the values of all seeds add up to the loss with none minus that with all."""
    ablation: Points | None = None
    """Validation accuracy with all seeds minus that with this one switched off."""
    exact: bool
    """Whether `shapley` is of all configurations; otherwise it is estimated from some, or None."""


@part
class SeedInteraction:
    """What two seeds do together beyond what each does without the other."""

    first: str
    """Slot of the one, nearer to the input."""
    second: str
    """Slot of the other."""
    interaction: DoublePoints
    """Shapley interaction index: above 0 they help each other, below 0 they do the same work."""
    low: DoublePoints | None = None
    """Lower end of the 95% interval of the interaction, from the validation set; None where that is not told."""
    high: DoublePoints | None = None
    """Upper end of the 95% interval of the interaction."""


@kind(Importance.ROUTINE, derived=True)
class SeedsAttributed(Payload):
    """What each seed is worth to the trained network, by one measurement of its configurations."""

    strategy: str | None = None
    """Which configurations were asked for; None if not told."""
    n_val: Count | None = None
    """Samples in the validation set; None if not told."""
    evaluations: Count
    """Results with an accuracy, those of one configuration that was measured twice included."""
    duplicates: Count
    """Results beyond the first of their configuration: they are averaged."""
    unmeasured: Count | None = None
    """Configurations that were asked for and not measured; None if it is not told what was."""
    permutations: Count | None = None
    """Orders whose configurations were all measured, if values are estimated from orders."""
    ablation_delta: Points | None = None
    """Validation accuracy of the trained network with all seeds minus that of the same one with none; what the host
    comes to that is trained alone is `training_delta`."""
    seeds: list[SeedAttribution]
    """Every seed that takes part in the output, from the input to the output."""
    interactions: list[SeedInteraction] = field(default_factory=list)
    """Every pair of seeds; empty unless all configurations were measured."""
