"""All features, a row each: its name, unit, source and meaning, and the setting that switches it on.

A source is the path of a figure in an event. What stands in braces becomes a part of the name: there is one feature
for each layer, slot, class or percentile. A `*` takes all layers together, those of seeds too.
"""

from typing import NamedTuple

__all__ = ["HISTORY", "TABLE", "Feature"]


class Feature(NamedTuple):
    """One feature, or one for each layer, slot, class or percentile."""

    name: str
    """Name, or the pattern of its names."""
    unit: str
    source: str
    """Kind of an event, and the path in it."""
    meaning: str
    setting: str | None = None
    """What switches it on, besides what switches on its group."""


HISTORY = range(1, 6)
"""Epochs that have a feature each for their loss and accuracy; 1 is this one."""
_LOSS, _ACCURACY, _SLOTS = "epoch_completed.val_loss", "epoch_completed.val_accuracy", "epoch_completed.slots"

_BASE = (
    Feature("epoch", "count", "scope.epoch", "epoch of the episode, from 1"),
    Feature("train_loss", "nats", "epoch_completed.train_loss", "mean training loss"),
    Feature("val_loss", "nats", _LOSS, "validation loss"),
    Feature("loss_delta", "nats", _LOSS, "validation loss minus that of the epoch before"),
    Feature("train_accuracy", "percent", "epoch_completed.train_accuracy", "training accuracy"),
    Feature("val_accuracy", "percent", _ACCURACY, "validation accuracy"),
    Feature("accuracy_delta", "percentage points", _ACCURACY, "accuracy minus that of the epoch before"),
    Feature("plateau_epochs", "count", _ACCURACY, "epochs since the accuracy improved by half a point"),
    Feature("best_val_accuracy", "percent", _ACCURACY, "highest accuracy of the episode so far"),
    Feature("best_val_loss", "nats", _LOSS, "lowest loss of the episode so far"),
    Feature("generalization_gap", "percentage points", _ACCURACY, "training minus validation accuracy"),
    *(Feature(f"loss_history_{n}", "nats", _LOSS, f"validation loss, {n - 1} epochs back") for n in HISTORY),
    *(Feature(f"accuracy_history_{n}", "percent", _ACCURACY, f"accuracy, {n - 1} epochs back") for n in HISTORY),
    Feature("total_params", "count", "epoch_completed.total_params", "trainable parameters, those of all seeds too"),
    Feature("growth_ratio", "ratio", "epoch_completed.fossilized_params", "(host + fossilized parameters) / host"),
    Feature("live_seeds", "count", _SLOTS, "slots with a seed that is not fossilized"),
    Feature("free_slots", "count", _SLOTS, "slots without a seed"),
    Feature("mean_alpha", "ratio", _SLOTS, "mean share of the seeds in the output of their slots"),
    Feature("best_ablation", "percentage points", _SLOTS, "largest ablation of a seed"),
)

_GRADIENT, _LAYER = "gradients_measured", "gradients_measured.layers.{layer}"
_PERCENTILES, _SEEDS = f"{_LAYER}.percentiles.{{percentile}}", f"{_GRADIENT}.slot_norms.{{slot}}"
_GRADIENTS = (
    Feature("grad_norm_{layer}", "L2 norm", f"{_LAYER}.norm", "norm of the layer's gradient", "track_norm"),
    Feature("grad_std_{layer}", "none", f"{_LAYER}.std", "standard deviation of its elements", "track_std"),
    Feature("grad_vanishing_{layer}", "ratio", f"{_LAYER}.vanishing", "share of tiny elements", "detect_vanishing"),
    Feature("grad_exploding_{layer}", "ratio", f"{_LAYER}.exploding", "share of huge elements", "detect_exploding"),
    Feature("grad_{percentile}_{layer}", "none", _PERCENTILES, "percentile of its elements", "percentiles"),
    Feature("host_grad_norm", "L2 norm", f"{_GRADIENT}.host_norm", "norm of the host's whole gradient"),
    Feature(
        "grad_non_finite",
        "count",
        f"{_GRADIENT}.layers.*.non_finite",
        "NaN and infinite elements, over layers and epoch",
    ),
    Feature("seed_grad_norm_{slot}", "L2 norm", _SEEDS, "norm of the seed's gradient", "seed_features"),
    Feature("seed_to_host_{slot}", "ratio", f"{_GRADIENT}.seed_to_host.{{slot}}", "it / the host's", "seed_features"),
)

_CLASS, _CONFUSION = "classes_measured.classes.{class}", "classes_measured.confusion.{class}.{other}"
_PER_CLASS = (
    Feature("acc_class_{class}", "percent", f"{_CLASS}.accuracy", "share that is recognized", "track_accuracy"),
    Feature("loss_class_{class}", "nats", f"{_CLASS}.loss", "mean loss of its samples", "track_loss"),
    Feature(
        "confusion_{class}_as_{other}", "count", _CONFUSION, "samples taken for the other class", "track_confusion"
    ),
)

_LOSS_LANDSCAPE = (
    Feature("sharpness", "nats", "sharpness_measured.sharpness", "mean rise of the loss nearby", "estimate_sharpness"),
    Feature("sam", "nats", "sharpness_measured.sam", "rise of the loss in the steepest direction"),
)

_WEIGHTS = (
    Feature("weight_norm_{layer}", "L2 norm", "weights_measured.layers.{layer}.norm", "norm of the layer's weights"),
    Feature(
        "update_ratio_{layer}",
        "ratio",
        "weights_measured.layers.{layer}.update_ratio",
        "norm of their change / norm before",
    ),
)

_OUTPUT = "activations_measured.layers"
_ACTIVATIONS = (
    Feature("act_mean_{layer}", "none", f"{_OUTPUT}.{{layer}}.mean", "mean of the layer's output"),
    Feature("act_std_{layer}", "none", f"{_OUTPUT}.{{layer}}.std", "standard deviation of its output"),
    Feature("act_zero_{layer}", "ratio", f"{_OUTPUT}.{{layer}}.zero", "share of its output that is 0"),
    Feature(
        "effective_rank_{layer}", "dimensions", f"{_OUTPUT}.{{layer}}.effective_rank", "how many directions it uses"
    ),
    Feature("dead_units", "count", f"{_OUTPUT}.*.dead", "units that are 0 for all samples, the sum over layers"),
    Feature("dormant_units", "ratio", f"{_OUTPUT}.*.dormant", "largest share of dormant units in a layer"),
    Feature("act_non_finite", "count", f"{_OUTPUT}.*.non_finite", "NaN and infinite values, the sum over layers"),
)

TABLE: dict[tuple[str, str | None], tuple[Feature, ...]] = {
    ("base", None): _BASE,
    ("gradients", "gradients.enabled"): _GRADIENTS,
    ("per_class", "per_class.enabled"): _PER_CLASS,
    ("loss_landscape", "loss_landscape.enabled"): _LOSS_LANDSCAPE,
    ("weights", "track_weight_norms"): _WEIGHTS,
    ("activations", "track_activation_stats"): _ACTIVATIONS,
}
"""Features by group and by the setting that switches the group on. Their order is that of the vector."""
