"""What happens in each slot? Stages, blending, gates, what each seed is worth, and the best runs of all."""

from typing import Any

from nissa.events.vocabulary import STAGES
from nissa.grafana.boards.attributed import attributed
from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.panels import STAGE_COLORS, Column, bars, growing, lines, numbers, rows, states
from nissa.grafana.promql import Query, held, increase, median, of, once, spread, total

__all__ = ["slots_and_seeds_board"]

_GROUP = "{{group}} {{run}}"


def slots_and_seeds_board() -> dict[str, Any]:
    """The dashboard "Nissa slots and seeds"."""
    text = "The life of seeds in their slots: stages, gates and why they stay shut, what each is worth, the best runs."
    return dashboard("nissa-slots", "Nissa slots and seeds", text, _sections())


def _sections() -> Sections:
    return {
        "Life": _life(),
        "Gates": _gates(),
        "What seeds are worth": [*attributed(), *_worth()],
        "Do isolated seeds leave the host alone?": _isolation(),
        "Best runs": [_best_runs(), *_ablation()],
    }


def _isolation() -> list[Any]:
    leak = "Largest gradient that isolated seeds sent to the host: a fault above rounding. Empty if none is isolated."
    moved = "Largest difference that isolated seeds made to an output of the host. Empty if none is isolated."
    return [
        lines("Leakage", leak, "sci", *spread(of("nissa_isolation_leakage"))),
        lines("Leakage in the forward pass", moved, "sci", *spread(of("nissa_isolation_forward_leakage"))),
    ]


def _life() -> list[Any]:
    changes = Query(total(increase("nissa_stage_changes_total"), "stage"), "{{stage}}")
    live = "Seeds that live in a slot and are not fossilized yet, over environments."
    blending = "Share of the seed in what the slot puts out."
    return [
        *_numbers(),
        _stages(),
        _by_slot("Blending", blending, "nissa_slot_alpha_ratio", "percentunit"),
        lines("Live seeds", live, "short", *spread(of("nissa_live_seeds"))),
        growing("Stages entered", "Changes of stage, over all runs and groups chosen.", changes),
        _by_slot("Epochs in the stage", "That the slot spent in its stage so far.", "nissa_slot_stage_epochs"),
    ]


def _numbers() -> list[Any]:
    live = "Seeds that live in a slot and are not fossilized yet, over all environments, at the end of the time range."
    gates = (
        "Slots whose gate was tried and stays shut at the end of the time range, over all environments: the alert "
        "gate_failure, which is a mark."
    )
    shut = total(of("nissa_alert_active", env="$env|", alert="gate_failure"))
    alive = Query(f"sum({total(of('nissa_live_seeds'))})", "")
    failing = Query(f"sum({shut})", "")
    return [
        numbers("Live seeds now", live, "short", alive, size=(12, 4)),
        numbers("Gates shut now", gates, "short", failing, size=(12, 4)),
    ]


def _stages() -> Any:
    """The place of the stage that is 1 is added up from one selector a stage, because a row shows one number."""
    text = "The stage of each slot. Twenty-four slots are shown at a time; choose an environment to see its own alone."
    parts = [f"{place} * {of('nissa_slot_stage', stage=stage)}" for place, stage in enumerate(STAGES)]
    expr = once(" or ".join(parts), "run, group, env, slot")
    names = {place: (stage.lower(), STAGE_COLORS[stage]) for place, stage in enumerate(STAGES)}
    return states("Stages", text, "none", Query(expr, "{{slot}} {{env}} {{group}} {{run}}"), names=names, size=(24, 10))


def _by_slot(title: str, text: str, metric: str, unit: str = "none") -> Any:
    query = Query(median(of(metric), "run, group, slot"), "{{slot}} {{group}} {{run}}")
    return lines(title, f"{text} Median over environments.", unit, query)


def _gates() -> list[Any]:
    by = "run, group, gate"
    passed, asked = (total(of(f"nissa_gate_{what}_total"), by) for what in ("passes", "evaluations"))
    failures = held(total(of("nissa_gate_check_failures_total"), f"{by}, check"))
    failed = total(increase("nissa_gate_check_failures_total"), by)
    share = (
        "Share of the evaluations since the run began in which the gate let the seed pass; empty if it was never asked."
    )
    why = "Checks that failed since the run began, the sixteen that did most often: check, then gate."
    shut = Query(f"sort_desc(topk(16, ({failures}) > 0))", "{{check}} {{gate}} {{group}} {{run}}")
    let_pass = Query(held(f"{passed} / ({asked} > 0)"), "{{gate}} {{group}} {{run}}")
    return [
        bars("Gates passed", share, "percentunit", let_pass, size=(12, 8)),
        growing("Failed checks", "Checks that failed, by gate.", Query(failed, "{{gate}} {{group}} {{run}}")),
        bars("Why gates stay shut", why, "short", shut, size=(24, 9), none="no check failed"),
    ]


def _worth() -> list[Any]:
    ablation = "Validation accuracy minus that with this seed alone switched off: leave one out, no attribution."
    improvement = (
        "Validation accuracy minus that at the germination of the seed in the slot: progress while it was there, "
        "whatever made it."
    )
    epoch = "Validation accuracy minus that of the epoch before, while the slot holds a seed."
    norm = "Norm of the gradient of the seed in the slot, mean over the batches of the epoch."
    share = "Norm of the seed's gradient by that of the host's."
    return [
        _by_slot("Ablation", ablation, "nissa_slot_ablation_ratio", "percentunit"),
        _by_slot("Accuracy change since germination", improvement, "nissa_slot_improvement_ratio", "percentunit"),
        _by_slot("Accuracy change of the epoch", epoch, "nissa_slot_epoch_improvement_ratio", "percentunit"),
        _by_slot("Parameters", "Parameters of the seed in the slot.", "nissa_slot_parameters", "short"),
        _by_slot("Gradient of the seed", norm, "nissa_slot_grad_norm", "short"),
        _by_slot("Gradient by that of the host", share, "nissa_slot_host_grad_ratio", "suffix:x"),
    ]


def _best_runs() -> Any:
    text = (
        "The best finished episode of each environment: accuracy, growth, and the one by the other in percent per "
        "growth ratio, all at its peak. Of the last episode, growth of the network as trained, and of what is kept."
    )
    return rows(
        "Best runs",
        text,
        ("run", "group", "env"),
        Column("peak accuracy", of("nissa_best_peak_accuracy_ratio"), "percentunit"),
        Column("peak growth", of("nissa_best_peak_growth_ratio"), "suffix:x"),
        Column("peak efficiency", f"100 * {of('nissa_best_peak_efficiency')}", "none"),
        Column("last trained growth", of("nissa_episode_final_growth_ratio"), "suffix:x"),
        Column("last kept growth", of("nissa_episode_kept_growth_ratio"), "suffix:x"),
        Column("last reward", of("nissa_episode_reward"), "short"),
        size=(16, 9),
        first="peak accuracy",
    )


def _ablation() -> list[Any]:
    pareto = "Ranked episodes that no other beats in accuracy and size at once."
    text = (
        "Accuracy of the network as trained with all its seeds, and with every seed switched off. That is not the host "
        "trained alone: it learned to rely on its seeds. Mean over environments; gone once a seed comes or goes."
    )
    means = {name: f"avg by (run, group) ({of(f'nissa_ablation_all_{name}_accuracy_ratio')})" for name in ("on", "off")}
    queries = [Query(mean, f"{name} {_GROUP}") for name, mean in means.items()]
    return [
        bars("Pareto front", pareto, "short", Query(held(once(of("nissa_pareto_episodes"))), _GROUP), size=(8, 9)),
        lines("Seeds on and off", text, "percentunit", *queries, size=(24, 8)),
    ]
