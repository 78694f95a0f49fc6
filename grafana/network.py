"""What goes on inside the networks? Losses, gradients, units, sharpness, classes, and what is wrong with them."""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.layers import MEDIAN, layers, median
from nissa.grafana.palette import BAD, FINE
from nissa.grafana.panels import NONE, bars, lines, numbers, states
from nissa.grafana.queries import Query, of, spread
from nissa.grafana.tables import Column, rows
from nissa.grafana.thresholds import ACCURACY_GAP, ANY, HEALTH, Limits

__all__ = ["network"]


def network() -> dict[str, Any]:
    """The dashboard "Nissa network"."""
    text = "Layer by layer what the probes measured: empty where the profile does not measure it, or not yet."
    return dashboard("nissa-network", "Nissa network", text, _sections())


def _sections() -> Sections:
    return {
        "Is anything wrong?": _wrong(),
        "Losses and accuracies": _losses(),
        **layers(),
        "Classes": _classes(),
        "Sharpness": _sharpness(),
        "What is measured": _measured(),
    }


def _wrong() -> list[Any]:
    flags = f"max by (flag) ({of('nissa_red_flag')})"
    raised = Query(f"sum by (flag) ({of('nissa_red_flag')})", "{{flag}}")
    complaints = Query(f"sum by (complaint) ({of('nissa_layers_with_complaint')})", "{{complaint}}")
    chances = Query(f"sum by (opportunity) ({of('nissa_opportunity')})", "{{opportunity}}")
    named = {0: ("no", FINE), 1: ("yes", BAD)}
    plateau = "Epochs since the validation accuracy last rose by half a point, over environments."
    return [
        _sum("Broken gradients", "Elements of gradients that are NaN or infinite.", "nissa_grad_non_finite"),
        _sum(
            "Broken activations", "Values that layers put out that are NaN or infinite.", "nissa_activation_non_finite"
        ),
        numbers(
            "Sickest network",
            "Lowest health of an environment.",
            "percentunit",
            Query(f"min({of('nissa_health_score')})", ""),
            limits=HEALTH,
            size=(6, 4),
        ),
        _sum("Dead units", "Units that are 0 for a whole batch.", "nissa_dead_units", NONE),
        states(
            "Red flags", "Whether any environment has it.", "none", Query(flags, "{{flag}}"), names=named, size=(24, 10)
        ),
        bars("Environments with a red flag", "How many have it now.", "short", raised, limits=ANY),
        bars("Layers with a complaint", "How many have it now.", "short", complaints, limits=ANY),
        bars("Opportunities", "Environments in which this could be done.", "short", chances),
        lines("Plateau", plateau, "none", *spread(of("nissa_plateau_epochs")), size=(24, 7)),
    ]


def _sum(title: str, text: str, metric: str, limits: Limits = ANY) -> Any:
    return numbers(
        title, f"{text} Over all environments.", "short", Query(f"sum({of(metric)})", ""), limits=limits, size=(6, 4)
    )


def _losses() -> list[Any]:
    gap = f"{of('nissa_train_accuracy_ratio')} - {of('nissa_val_accuracy_ratio')}"
    far = "Training minus validation accuracy, over environments: a network that learns by heart has a gap that grows."
    leak = "Largest gradient that isolated seeds sent to the host: a fault above rounding. Empty if none is isolated."
    return [
        lines("Training and validation loss", MEDIAN, "none", *_both("loss")),
        lines("Training and validation accuracy", MEDIAN, "percentunit", *_both("accuracy_ratio")),
        lines("Gap", far, "percentunit", *spread(gap), size=(8, 8), limits=ACCURACY_GAP),
        _spread("Loss of the last batch", "nissa_batch_loss", "none"),
        _spread("Accuracy of the last batch", "nissa_batch_accuracy_ratio", "percentunit"),
        _spread("Gradient of the host", "nissa_host_grad_norm", "short", 12),
        lines("Leakage", leak, "sci", *spread(of("nissa_isolation_leakage"))),
    ]


def _both(figure: str) -> list[Query]:
    pairs = (("train", "training"), ("val", "validation"))
    return [
        Query(median(f"nissa_{key}_{figure}", "run, group"), f"{{{{run}}}} {{{{group}}}} {name}") for key, name in pairs
    ]


def _spread(title: str, metric: str, unit: str, width: int = 8) -> Any:
    return lines(title, "Over the environments of a group.", unit, *spread(of(metric)), size=(width, 8))


def _classes() -> list[Any]:
    worst, best = of("nissa_class_accuracy_min_ratio"), of("nissa_class_accuracy_max_ratio")
    ends = (
        (f"quantile by (run, group) (0.5, {worst})", "worst"),
        (f"quantile by (run, group) (0.5, {best})", "best"),
    )
    queries = [Query(expr, f"{{{{run}}}} {{{{group}}}} {name}") for expr, name in ends]
    return [
        lines("Best and worst class", f"Validation accuracy. {MEDIAN}", "percentunit", *queries),
        _spread("Loss of the worst class", "nissa_worst_class_loss", "none", 12),
    ]


def _sharpness() -> list[Any]:
    share = f"{of('nissa_sharpness_nats')} / {of('nissa_sharpness_loss')}"
    return [
        lines(
            "Sharpness",
            "Mean rise of the loss, in nats, under random perturbations.",
            "none",
            *spread(of("nissa_sharpness_nats")),
            size=(8, 8),
        ),
        lines("Sharpness by the loss", "The same as a share of the loss.", "percentunit", *spread(share), size=(8, 8)),
        lines(
            "Along the gradient",
            "Rise of the loss, in nats, under a step along the gradient.",
            "none",
            *spread(of("nissa_sam_sharpness_nats")),
            size=(8, 8),
        ),
        lines(
            "Uncertainty",
            "Standard deviation over pairs of perturbations, in nats.",
            "none",
            *spread(of("nissa_sharpness_spread_nats")),
            size=(24, 7),
        ),
    ]


def _measured() -> list[Any]:
    return [
        rows(
            "What is measured",
            "One row an environment; missing features were not measured in the last epoch.",
            ("run", "group", "env", "profile"),
            Column("since", of("nissa_profile_info"), "none"),
            size=(12, 8),
        ),
        rows(
            "How much is measured",
            "Layers not shown are the smallest; they are in the sums.",
            ("run", "group", "env"),
            Column("layers", of("nissa_layers"), "none"),
            Column("not shown", of("nissa_other_layers"), "none"),
            Column("activations not shown", of("nissa_other_activation_layers"), "none"),
            Column("features", of("nissa_features"), "none"),
            Column("missing", of("nissa_features_missing"), "none"),
            size=(12, 8),
        ),
    ]
