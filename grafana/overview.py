"""The dashboard that one looks at first: is it learning, is growing worth it, is anything wrong?"""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.now import RUNNING, STANDING, now
from nissa.grafana.panels import bars, leading, lines
from nissa.grafana.queries import Query, increase, of, rate, spread
from nissa.grafana.tables import Column, rows
from nissa.grafana.thresholds import ANY, COMPUTE_COST, GROWTH, HEALTH, SILENCE

__all__ = ["overview"]

_ENV = ("run", "group", "env")
_GROUP = "{{run}} {{group}}"


def overview() -> dict[str, Any]:
    """The dashboard "Nissa overview"."""
    text = "Accuracy, growth, efficiency, alerts and progress of the runs chosen; the other dashboards go into detail."
    return dashboard("nissa-overview", "Nissa overview", text, _sections())


def _sections() -> Sections:
    return {
        "Now": now(),
        "Does it learn, and does growing pay?": _learning(),
        "Environments": [leading("nissa-slots", _environments())],
        "Is anything wrong?": [_standing(), _raised(), leading("nissa-network", _health()), _ages()],
        "How far is it?": [_epochs(), _episodes(), _runs()],
    }


def _learning() -> list[Any]:
    accuracy = leading("nissa-network", _accuracy())
    return [accuracy, *(leading("nissa-blueprints", panel) for panel in (_twin(), _growth(), _efficiency()))]


def _accuracy() -> Any:
    text = "Validation accuracy after the last epoch, over the environments of a group. Each episode begins anew."
    return lines("Validation accuracy", text, "percentunit", *spread(of("nissa_val_accuracy_ratio")))


def _twin() -> Any:
    text = (
        "Mean over environments of the accuracy at the end of the last episode, and of the same host, with the same "
        "initialization and data order, trained alone."
    )
    final, alone = of("nissa_episode_final_accuracy_ratio"), of("nissa_baseline_final_accuracy_ratio")
    both = ((final, "grown"), (alone, "host-only"))
    queries = [Query(f"avg by (run, group) ({metric})", f"{_GROUP} {name}") for metric, name in both]
    return lines("Grown, and the host alone", text, "percentunit", *queries)


def _growth() -> Any:
    text = "(host + fossilized parameters) / host of the models that are trained now, over environments."
    return lines("Growth", text, "suffix:x", *spread(of("nissa_growth_ratio")), limits=GROWTH)


def _efficiency() -> Any:
    text = "Peak accuracy / growth ratio of each environment's best finished episode: accuracy for its size."
    return lines("Efficiency", text, "percentunit", *spread(of("nissa_best_efficiency_ratio")))


def _environments() -> Any:
    text = "One row an environment: sort by a column to find the best or the sick."
    return rows(
        "Each environment",
        text,
        _ENV,
        Column("episode", of("nissa_episode_index"), "none"),
        Column("epoch", of("nissa_epoch_index"), "none"),
        Column("accuracy", of("nissa_val_accuracy_ratio"), "percentunit"),
        Column("last episode", of("nissa_episode_final_accuracy_ratio"), "percentunit"),
        Column("host alone", of("nissa_baseline_final_accuracy_ratio"), "percentunit"),
        Column("best", of("nissa_best_accuracy_ratio"), "percentunit"),
        Column("growth", of("nissa_growth_ratio"), "suffix:x", GROWTH),
        Column("cost", of("nissa_compute_cost_ratio"), "suffix:x", COMPUTE_COST),
        Column("live seeds", of("nissa_live_seeds"), "none"),
        Column("health", of("nissa_health_score"), "percentunit", HEALTH),
        Column("red flags", of("nissa_red_flag"), "none", ANY),
        Column("alerts", STANDING, "none", ANY),
        size=(24, 9),
    )


def _standing() -> Any:
    text = "Alerts that stand now, by name, over all environments; what they mean is in docs/detectors.md."
    expr = f"sum by (alert) ({STANDING})"
    return bars("Alerts that stand", text, "short", Query(expr, "{{alert}}"), limits=ANY)


def _raised() -> Any:
    text = "Alerts raised in the time of a point, by severity; info is a mark, and no fault."
    expr = f"sum by (severity) ({increase('nissa_alerts_total', env='$env|')})"
    return lines("Alerts raised", text, "short", Query(expr, "{{severity}}"), size=(8, 8), style="stacked")


def _health() -> Any:
    text = "Share of the measured layers with which nothing is wrong, over environments; 0 if anything is NaN."
    panels = spread(of("nissa_health_score"))
    return lines("Health", text, "percentunit", *panels, size=(8, 8), limits=HEALTH)


def _ages() -> Any:
    text = "Time since the trainer last emitted anything, of runs that go on. It rises while training stands still."
    age = f"time() - {of('nissa_run_last_event_timestamp_seconds')} {RUNNING}"
    return lines(
        "Silence of the trainer", text, "s", Query(age, "{{run}}"), size=(12, 7), limits=SILENCE, style="slopes"
    )


def _epochs() -> Any:
    text = "Host epochs completed in a second, over all environments of a group."
    expr = f"sum by (run, group) ({rate('nissa_epochs_total')})"
    return lines("Pace", text, "cps", Query(expr, _GROUP), size=(12, 7))


def _episodes() -> Any:
    text = (
        "Episodes that ended, of those that were planned for all environments together; empty where no plan is known."
    )
    planned = f"max by (run) ({of('nissa_run_planned_episodes')} * {of('nissa_run_environments')})"
    done = f"sum by (run) ({of('nissa_episodes_total')})"
    return bars("Progress", text, "percentunit", Query(f"{done} / {planned}", "{{run}}"), size=(12, 7))


def _runs() -> Any:
    text = "1 for each run that is known; its labels say what it is and where it comes from."
    labels = ("run", "task_type", "host_architecture", "base_seed", "git_commit", "python_version", "torch_version")
    return rows("Runs", text, labels, Column("known", of("nissa_run_info"), "none"), size=(24, 6))
