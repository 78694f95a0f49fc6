"""What goes on inside the networks? Losses, gradients, units, sharpness, classes, and what is wrong with them."""

from typing import Any

from nissa.events.vocabulary import LEARNING
from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.boards.layers import MEDIAN, layers
from nissa.grafana.panels import (
    ACCURACY_GAP,
    ANY,
    BAD,
    FINE,
    HEALTH,
    LEARNING_COLORS,
    NONE,
    Column,
    Limits,
    bars,
    lines,
    numbers,
    rows,
    states,
)
from nissa.grafana.promql import Query, held, held_all, median, of, once, spread, total

__all__ = ["network_board"]

_ENV = "run, group, env"
_GROUP = "{{group}} {{run}}"
_LOSSES = "Broken losses counts the environments whose loss is NaN."


def network_board() -> dict[str, Any]:
    """The dashboard "Nissa network"."""
    text = "Layer by layer what the probes measured: empty where the profile does not measure it, or not yet."
    return dashboard("nissa-network", "Nissa network", text, _sections())


def _sections() -> Sections:
    return {
        "Is anything wrong?": [*_numbers(), *_wrong()],
        "How does it learn, and is it healthy?": [_learning(), _health()],
        "Losses and accuracies": _losses(),
        "Scalars": _scalars(),
        **layers(),
        "Classes": _classes(),
        "Sharpness": _sharpness(),
        "What is measured": _measured(),
    }


def _numbers() -> list[Any]:
    sickest = "Lowest health of an environment."
    activations = "Values that layers put out that are NaN or infinite."
    return [
        _sum("Broken gradients", "Elements of gradients that are NaN or infinite.", "nissa_grad_non_finite"),
        _sum("Broken activations", activations, "nissa_activation_non_finite"),
        _number("Sickest network", sickest, "percentunit", f"min({of('nissa_health_ratio')})", HEALTH),
        _sum("Dead units", "Units that are 0 for a whole batch.", "nissa_dead_units", NONE),
    ]


def _sum(title: str, text: str, metric: str, limits: Limits = ANY) -> Any:
    told = f"{text} Over all environments."
    return _number(title, told, "short", f"sum({total(of(metric), _ENV)})", limits)


def _number(title: str, text: str, unit: str, expr: str, limits: Limits) -> Any:
    return numbers(title, text, unit, Query(held_all(expr), ""), limits=limits, size=(6, 4))


def _wrong() -> list[Any]:
    flags = Query(once(of("nissa_red_flag"), "run, group, flag"), f"{{{{flag}}}} {_GROUP}")
    named = {0: ("no", FINE), 1: ("yes", BAD)}
    plateau = "Epochs since the validation accuracy last rose by half a point, over environments."
    complaints = "How many layers have it, over environments."
    chances = "Environments in which this could be done."
    return [
        states("Red flags", "Whether any environment has it.", "none", flags, names=named, size=(24, 10)),
        _counts("Layers with a complaint", complaints, "nissa_layers_with_complaint", "complaint", ANY),
        _counts("Opportunities", chances, "nissa_opportunity", "opportunity"),
        lines("Epochs without gain", plateau, "none", *spread(of("nissa_plateau_epochs"))),
        _broken_losses(),
    ]


def _learning() -> Any:
    """The place of the state that is 1 is added up from one selector a state, as that of a slot's stage."""
    text = "How each environment learns. Twenty-four are shown at a time; choose one to see it alone."
    parts = [f"{place} * {of('nissa_learning_state', state=state)}" for place, state in enumerate(LEARNING)]
    query = Query(once(" or ".join(parts), _ENV), "{{env}} {{group}} {{run}}")
    names = {place: (state, LEARNING_COLORS[state]) for place, state in enumerate(LEARNING)}
    return states("Learning", text, "none", query, names=names, size=(12, 8))


def _health() -> Any:
    text = (
        "Share of the measured layers with which nothing is wrong, over environments; 0 if anything is NaN. A healthy "
        "network need not learn: see beside."
    )
    queries = spread(of("nissa_health_ratio"))
    return lines("Health", text, "percentunit", *queries, limits=HEALTH, high=1)


def _counts(title: str, text: str, metric: str, label: str, limits: Limits = NONE) -> Any:
    counts = held(total(of(metric), f"run, group, {label}"))
    query = Query(f"sort_desc(({counts}) > 0)", f"{{{{{label}}}}} {_GROUP}")
    return bars(title, text, "short", query, size=(12, 8), limits=limits, none="none")


def _broken_losses() -> Any:
    """NaN is not equal to itself."""
    text = "Environments whose last loss is NaN: the highest, the median and the lowest say nothing of them."
    kinds = (("nissa_train_loss", "training"), ("nissa_val_loss", "validation"), ("nissa_batch_loss", "batch"))
    each = [(once(of(metric), _ENV), name) for metric, name in kinds]
    queries = [Query(f"sum by (run, group) ({loss} != bool {loss})", f"{name} {_GROUP}") for loss, name in each]
    return lines("Broken losses", text, "short", *queries, limits=ANY)


def _losses() -> list[Any]:
    gap = f"{of('nissa_train_accuracy_ratio')} - {of('nissa_val_accuracy_ratio')}"
    far = "Training minus validation accuracy, over environments: a network that learns by heart has a gap that grows."
    batch = f"Over the environments of a group. {_LOSSES}"
    return [
        lines("Training and validation loss", f"{MEDIAN} {_LOSSES}", "none", *_both("loss")),
        lines("Training and validation accuracy", MEDIAN, "percentunit", *_both("accuracy_ratio")),
        lines("Training minus validation", far, "percentunit", *spread(gap), size=(8, 8), limits=ACCURACY_GAP),
        lines("Loss of the last batch", batch, "none", *spread(of("nissa_batch_loss")), size=(8, 8)),
        _spread("Accuracy of the last batch", "nissa_batch_accuracy_ratio", "percentunit"),
        _spread("Gradient of the host", "nissa_host_grad_norm", "short", size=(24, 8)),
    ]


def _both(figure: str) -> list[Query]:
    pairs = (("train", "training"), ("val", "validation"))
    return [Query(median(of(f"nissa_{key}_{figure}")), f"{name} {_GROUP}") for key, name in pairs]


def _spread(title: str, metric: str, unit: str, size: tuple[int, int] = (8, 8)) -> Any:
    return lines(title, "Over the environments of a group.", unit, *spread(of(metric)), size=size)


def _scalars() -> list[Any]:
    named = Query(median(of("nissa_scalar"), "run, group, name"), f"{{{{name}}}} {_GROUP}")
    text = f"What the trainer logs by name, in its own units: a click on a name shows it alone. {MEDIAN}"
    return [lines("Scalars", text, "none", named, size=(24, 8)).no_value("none logged")]


def _classes() -> list[Any]:
    ends = (("nissa_class_accuracy_min_ratio", "worst"), ("nissa_class_accuracy_max_ratio", "best"))
    queries = [Query(median(of(metric)), f"{name} {_GROUP}") for metric, name in ends]
    worst = f"Over the environments of a group. {_LOSSES}"
    return [
        lines("Best and worst class", f"Validation accuracy. {MEDIAN}", "percentunit", *queries),
        lines("Loss of the worst class", worst, "none", *spread(of("nissa_worst_class_loss"))),
    ]


def _sharpness() -> list[Any]:
    share = f"{of('nissa_sharpness_nats')} / {of('nissa_sharpness_loss')}"
    random = "Mean rise of the loss, in nats, under random perturbations, over environments."
    along = "Rise of the loss, in nats, under a step along the gradient, over environments."
    error = "Standard error of the sharpness, from the directions that were drawn, in nats, over environments."
    return [
        lines("Sharpness", random, "none", *spread(of("nissa_sharpness_nats"))),
        lines("Sharpness by the loss", "The same as a share of the loss.", "percentunit", *spread(share)),
        lines("Curvature along the gradient", along, "none", *spread(of("nissa_sam_sharpness_nats"))),
        lines("Uncertainty", error, "none", *spread(of("nissa_sharpness_se_nats"))),
    ]


def _measured() -> list[Any]:
    epochs = (
        "Host epoch of the last measurement in the episode, by kind, median over environments: between measurements, "
        "panels show the values of then."
    )
    last = Query(median(of("nissa_measured_epoch"), "run, group, kind"), f"{{{{kind}}}} {_GROUP}")
    return [
        lines("Epoch of the last measurement", epochs, "none", last, size=(24, 8)),
        rows(
            "What is measured",
            "One row an environment and the profile that its probes' configuration began from; if it is gone, one for "
            "each that it had.",
            ("run", "group", "env", "profile"),
            Column("since", of("nissa_profile_info"), "none"),
            size=(12, 8),
        ),
        rows(
            "How much is measured",
            "Layers not shown are the smallest; they are in the sums. Missing features were not measured in the last "
            "epoch.",
            ("run", "group", "env"),
            Column("layers", of("nissa_layers"), "none"),
            Column("not shown", of("nissa_other_layers"), "none"),
            Column("activations not shown", of("nissa_other_activation_layers"), "none"),
            Column("features", of("nissa_features"), "none"),
            Column("missing", of("nissa_features_missing"), "none"),
            size=(12, 8),
        ),
    ]
