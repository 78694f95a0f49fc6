"""The dashboard that one looks at first: is it learning, is growing worth it, is anything wrong?"""

from typing import Any

from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.boards.headline import STANDING, headline
from nissa.grafana.boards.verdict import verdict
from nissa.grafana.panels import ANY, COMPUTE_COST, GROWTH, HEALTH, SILENCE, Column, bars, growing, leading, lines, rows
from nissa.grafana.promql import FIRING, Query, held, increase, of, once, silence, spread, summed, total

__all__ = ["overview_board"]

_ENV = ("run", "group", "env")
_GROUP = "{{group}} {{run}}"


def overview_board() -> dict[str, Any]:
    """The dashboard "Nissa overview"."""
    text = "Accuracy, growth, efficiency, alerts and progress of the runs chosen; the other dashboards go into detail."
    return dashboard("nissa-overview", "Nissa overview", text, _sections())


def _sections() -> Sections:
    return {
        "At a glance": headline(),
        "Is growing winning?": verdict(),
        "Does it learn?": [leading("nissa-network", _accuracy())],
        "Environments": [leading("nissa-slots", _environments())],
        "Is anything wrong?": [_firing(), _standing(), _raised(), leading("nissa-network", _health()), _ages()],
        "How far is it?": [_epochs(), _episodes(), _runs()],
    }


def _accuracy() -> Any:
    text = "Validation accuracy after the last epoch, over the environments of a group. Each episode begins anew."
    return lines("Validation accuracy", text, "percentunit", *spread(of("nissa_val_accuracy_ratio")), size=(24, 9))


def _environments() -> Any:
    text = (
        "One row an environment: sort by a column to find the best or the sick. Of the last finished episode, the "
        "network as trained, what is kept of it, and the host trained alone, at the same epoch."
    )
    by = ", ".join(_ENV)
    return rows(
        "Each environment",
        text,
        _ENV,
        Column("episode", of("nissa_episode_index"), "none"),
        Column("epoch", of("nissa_epoch_index"), "none"),
        Column("accuracy", of("nissa_val_accuracy_ratio"), "percentunit"),
        Column("last trained", of("nissa_episode_final_accuracy_ratio"), "percentunit"),
        Column("last kept", of("nissa_episode_kept_accuracy_ratio"), "percentunit"),
        Column("host alone", of("nissa_episode_twin_accuracy_ratio"), "percentunit"),
        Column("best", of("nissa_best_peak_accuracy_ratio"), "percentunit"),
        Column("live growth", of("nissa_live_growth_ratio"), "suffix:x", GROWTH),
        Column("cost", of("nissa_compute_cost_ratio"), "suffix:x", COMPUTE_COST),
        Column("live seeds", of("nissa_live_seeds"), "none"),
        Column("health", of("nissa_health_ratio"), "percentunit", HEALTH),
        Column("red flags", summed(of("nissa_red_flag"), by), "none", ANY),
        # Alerts of a policy are of no environment, and would have a row of their own.
        Column("alerts", summed(STANDING.replace('env=~"$env|"', 'env=~"$env", env!=""'), by), "none", ANY),
        size=(24, 9),
    )


def _firing() -> Any:
    text = (
        "Alerts of grafana/rules that fire at the end of the time range; docs/runbooks.md has a section for each. "
        "Always empty in a Prometheus that has not loaded the rules."
    )
    by = ("alertname", "severity", "run", "group", "env", "instance")
    return rows("Firing", text, by, Column("fires", FIRING, "none", ANY), size=(24, 5), none="nothing fires", now=True)


def _standing() -> Any:
    text = "Alerts of the pipeline that stand, over environments; what they mean is in docs/detectors.md."
    query = Query(f"sort_desc(({held(total(STANDING, 'run, group, alert'))}) > 0)", f"{{{{alert}}}} {_GROUP}")
    return bars("Alerts that stand", text, "short", query, size=(12, 7), limits=ANY, none="no alert stands")


def _raised() -> Any:
    text = (
        "Alerts raised, by severity; info is a mark, and no fault. A dot is an alert that was traced, with the number "
        "that `nissa trace RUN N` takes."
    )
    expr = total(increase("nissa_alerts_total", env="$env|"), "run, group, severity")
    return growing("Alerts raised", text, Query(expr, f"{{{{severity}}}} {_GROUP}", exemplars=True), size=(12, 7))


def _health() -> Any:
    text = "Share of the measured layers with which nothing is wrong, over environments; 0 if anything is NaN."
    queries = spread(of("nissa_health_ratio"))
    return lines("Health", text, "percentunit", *queries, size=(12, 7), limits=HEALTH, high=1)


def _ages() -> Any:
    text = (
        "Time since the trainer last emitted anything, until the run ends. It rises while training stands still, and "
        "for an hour after the trainer is gone."
    )
    query = Query(once(silence(), "run"), "{{run}}")
    return lines("Silence of the trainer", text, "s", query, size=(12, 7), limits=SILENCE, style="slopes")


def _epochs() -> Any:
    text = (
        "Host epochs completed in the hour before, over the environments of a group: 1 at an epoch an hour. In the "
        "first hour of a run it rises."
    )
    expr = total(increase("nissa_epochs_total", window="1h"))
    return lines("Pace", text, "short", Query(expr, _GROUP), size=(12, 7))


def _episodes() -> Any:
    text = (
        "Episodes that ended since the run began, of those that were planned: in all environments and groups "
        "together, whichever are chosen. Empty where no plan is known."
    )
    planned = f"{once(of('nissa_run_planned_episodes'), 'run')} * {once(of('nissa_run_environments'), 'run')}"
    done = total(of("nissa_episodes_total", group=".*", env=".*"), "run")
    return bars(
        "Progress",
        text,
        "percentunit",
        Query(held(f"{done} / ({planned})"), "{{run}}"),
        size=(12, 7),
        none="no plan is known",
    )


def _runs() -> Any:
    text = "Each run that is known: what it is and where it comes from."
    labels = ("run", "task_type", "host_architecture", "base_seed", "git_commit", "python_version", "torch_version")
    return rows("Runs", text, labels, Column("known", of("nissa_run_info"), "none"), size=(24, 6))
