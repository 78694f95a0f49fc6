"""Are all runs worked off? What the watchdog of a job over many runs tells."""

from typing import Any

from nissa.grafana.boards.frame import dashboard
from nissa.grafana.panels import ANY, BAD, FINE, UNREAD, growing, lines, states
from nissa.grafana.promql import Query, increase, of, once

__all__ = ["cluster_board"]

_PROCESS = "{{instance}}"


def cluster_board() -> dict[str, Any]:
    """The dashboard "Nissa cluster"."""
    text = "Whether one job over the runs of many machines goes on, as its watchdog sees it from outside."
    return dashboard("nissa-cluster", "Nissa cluster", text, {"Are all runs worked off?": _panels()})


def _panels() -> list[Any]:
    up = Query(f"min by (instance) ({of('nissa_cluster_up')})", _PROCESS)
    unread = Query(once(of("nissa_cluster_run_stalled_seconds"), "run"), "{{run}}")
    named = {0: ("down", BAD), 1: ("running", FINE)}
    waits = "Since when lines of a run wait and none of it was read; 0 where none waits."
    return [
        states("Job", "Whether the manager answers, and runs the job.", "none", up, names=named, size=(24, 5)),
        lines("Unread", waits, "s", unread, limits=UNREAD),
        lines("Runs to work off", "Those that have not told their end.", "short", _by_process("nissa_cluster_runs")),
        _grown(
            "Checkpoints failed", "What is derived shows with the next one.", "nissa_cluster_checkpoints_failed_total"
        ),
        _grown("Job started again", "Restarts, each from its last checkpoint.", "nissa_cluster_restarts_total"),
    ]


def _by_process(metric: str) -> Query:
    return Query(f"max by (instance) ({of(metric)})", _PROCESS)


def _grown(title: str, text: str, metric: str) -> Any:
    return growing(title, text, Query(f"sum by (instance) ({increase(metric)})", _PROCESS), limits=ANY)
