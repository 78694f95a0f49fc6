"""What happens in each slot? Stages, blending, gates, what each seed contributes, and the best runs of all."""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.palette import STAGE_COLORS
from nissa.grafana.panels import bars, lines, states
from nissa.grafana.queries import Query, increase, of, spread
from nissa.grafana.tables import Column, rows
from nissa.grafana.thresholds import ANY
from nissa.sinks.slot_metrics import STAGES

__all__ = ["slots_and_seeds"]

_SLOT = "run, group, env, slot"


def slots_and_seeds() -> dict[str, Any]:
    """The dashboard "Nissa slots and seeds"."""
    text = "The life of seeds in their slots: stages, gates and why they stay shut, contributions, and the best runs."
    return dashboard("nissa-slots", "Nissa slots and seeds", text, _sections())


def _sections() -> Sections:
    return {
        "Life": _life(),
        "Gates": _gates(),
        "What seeds are worth": _worth(),
        "Best runs": [_best_runs(), *_ablation()],
    }


def _life() -> list[Any]:
    changes = f"sum by (stage) ({increase('nissa_stage_changes_total')})"
    live = "Seeds that live in a slot and are not fossilized yet, over environments."
    return [
        _stages(),
        _by_slot(
            "Blending", "Share of the seed in what the slot puts out, over environments.", "nissa_slot_alpha_ratio"
        ),
        lines("Live seeds", live, "short", *spread(of("nissa_live_seeds"))),
        lines("Stages entered", "In the time of a point.", "short", Query(changes, "{{stage}}"), style="stacked"),
        _by_slot("Epochs in the stage", "That the slot spent in its stage so far.", "nissa_slot_stage_epochs", "none"),
    ]


def _stages() -> Any:
    """The place of the stage that is 1 is added up from one selector a stage, because a row shows one number."""
    text = "The stage of each slot. Twenty-four slots are shown at a time; choose an environment to see its own alone."
    parts = [f"{place} * {of('nissa_slot_stage', stage=stage)}" for place, stage in enumerate(STAGES)]
    expr = f"sum by ({_SLOT}) ({' or '.join(parts)})"
    names = {place: (stage.lower(), STAGE_COLORS[stage]) for place, stage in enumerate(STAGES)}
    return states("Stages", text, "none", Query(expr, "{{run}} {{group}} {{env}} {{slot}}"), names=names, size=(24, 10))


def _by_slot(title: str, text: str, metric: str, unit: str = "percentunit") -> Any:
    return lines(title, text, unit, *spread(of(metric), "run, group, slot", "{{run}} {{group}} {{slot}}"))


def _gates() -> list[Any]:
    passed = "sum by (gate) ({})".format(of("nissa_gate_passes_total"))
    asked = "sum by (gate) ({})".format(of("nissa_gate_evaluations_total"))
    failures = f"sum by (gate, reason) ({of('nissa_gate_check_failures_total')})"
    now = f"sum by (gate, reason) ({increase('nissa_gate_check_failures_total')})"
    shut = f"sum by (run, group) ({of('nissa_alert_active', alert='gate_failure')})"
    share = (
        "Share of the evaluations since the run began in which the gate let the seed pass; empty if it was never asked."
    )
    why = "Checks that failed since the run began: gate, then check."
    return [
        bars("Gates passed", share, "percentunit", Query(f"{passed} / ({asked} > 0)", "{{gate}}")),
        bars("Why gates stay shut", why, "short", Query(failures, "{{gate}} {{reason}}"), size=(16, 8)),
        lines("Failed checks", "In the time of a point.", "short", Query(now, "{{gate}} {{reason}}"), style="stacked"),
        bars(
            "Gates shut now",
            "Slots whose gate was tried and stays shut, over environments.",
            "short",
            Query(shut, "{{run}} {{group}}"),
            size=(12, 8),
            limits=ANY,
        ),
    ]


def _worth() -> list[Any]:
    contribution = (
        "Validation accuracy minus that with this seed alone switched off, over environments: what it does now."
    )
    improvement = (
        "Validation accuracy minus that at the germination of the seed in the slot: what came while it was there."
    )
    epoch = "Validation accuracy minus that of the epoch before, while the slot holds a seed."
    norm = "Norm of the gradient of the seed in the slot, mean over the batches of the epoch."
    by = "run, group, slot"
    legend = "{{run}} {{group}} {{slot}}"
    return [
        _by_slot("Contribution", contribution, "nissa_slot_contribution_ratio"),
        _by_slot("Improvement since germination", improvement, "nissa_slot_improvement_ratio"),
        _by_slot("Improvement of the epoch", epoch, "nissa_slot_epoch_improvement_ratio"),
        lines("Parameters", "Of the seed in the slot.", "short", *spread(of("nissa_slot_parameters"), by, legend)),
        lines("Gradient of the seed", norm, "short", *spread(of("nissa_slot_grad_norm"), by, legend)),
        _by_slot(
            "Gradient by that of the host",
            "Norm of the seed's gradient by that of the host's.",
            "nissa_slot_host_grad_ratio",
            "suffix:x",
        ),
    ]


def _best_runs() -> Any:
    text = "The best finished episode of each environment: accuracy, size and accuracy for its size, at its peak."
    return rows(
        "Best runs",
        text,
        ("run", "group", "env"),
        Column("accuracy", of("nissa_best_accuracy_ratio"), "percentunit"),
        Column("growth", of("nissa_best_growth_ratio"), "suffix:x"),
        Column("efficiency", of("nissa_best_efficiency_ratio"), "percentunit"),
        Column("last growth", of("nissa_episode_growth_ratio"), "suffix:x"),
        Column("last reward", of("nissa_episode_reward"), "short"),
        size=(16, 9),
    )


def _ablation() -> list[Any]:
    pareto = "Ranked episodes that no other beats in accuracy and size at once."
    text = (
        "Accuracy of the grown model with all its seeds, and with every seed switched off. That is not the host "
        "trained alone: it learned to rely on its seeds. Mean over environments."
    )
    both = ("on", "off")
    means = {name: f"avg by (run, group) ({of(f'nissa_ablation_all_{name}_accuracy_ratio')})" for name in both}
    queries = [Query(mean, f"{{{{run}}}} {{{{group}}}} {name}") for name, mean in means.items()]
    return [
        bars("Pareto front", pareto, "short", Query(of("nissa_pareto_episodes"), "{{run}} {{group}}"), size=(8, 9)),
        lines("Seeds on and off", text, "percentunit", *queries, size=(24, 8)),
    ]
