"""Do the ranks of a job keep up with each other, and go the same way? As its comparison of ranks tells."""

from typing import Any

from nissa.grafana.panels import growing, lines
from nissa.grafana.promql import Query, increase, of, once, total

__all__ = ["rank_panels"]

_RANK, _ENV = "run, group, env, rank", "run, group, env"
_NAMED, _JOB = "rank {{rank}} {{env}} {{group}} {{run}}", "{{env}} {{group}} {{run}}"


def rank_panels() -> list[Any]:
    """Who holds the others up, and who leaves them."""
    work = "Mean time of a step in which a rank waited for no other, of those whose own work takes longest."
    step = "Mean time from one step to the next: about the same in all ranks, as they wait for each other."
    data = "Share of its time in which a rank waited for data."
    loss = "Mean training loss of a rank; each has data of its own."
    norm = "Mean norm of the gradient that a rank holds: a shard of it where parameters are sharded."
    against = "Alerts that stand against a rank."
    return [
        _by_rank("Own work", work, "s", "nissa_rank_own_seconds"),
        _by_rank("Step", step, "s", "nissa_rank_step_seconds"),
        _by_rank("Ranks that wait for data", data, "percentunit", "nissa_rank_loading_ratio"),
        _by_rank("Loss of the ranks", loss, "short", "nissa_rank_loss"),
        _by_rank("Gradients of the ranks", norm, "sci", "nissa_rank_grad_norm"),
        _by_rank("Alerts against ranks", against, "short", "nissa_rank_alerts"),
        _of_job("Loss of the job", "Mean training loss of all ranks.", "short", "nissa_job_loss"),
        _of_job("Gradient of the job", "Mean norm of the whole gradient.", "sci", "nissa_job_grad_norm"),
        _of_job("Ranks", "Processes that train one network.", "short", "nissa_job_ranks"),
        _grown("Steps compared", "Steps of a job that its ranks told.", "nissa_job_steps_total"),
        _grown(
            "Steps passed over", "Steps that some rank of the job did not tell.", "nissa_job_steps_incomplete_total"
        ),
    ]


def _by_rank(title: str, text: str, unit: str, metric: str) -> Any:
    return lines(title, text, unit, Query(once(of(metric), _RANK), _NAMED), size=(8, 8))


def _of_job(title: str, text: str, unit: str, metric: str) -> Any:
    return lines(title, text, unit, Query(once(of(metric), _ENV), _JOB), size=(8, 8))


def _grown(title: str, text: str, metric: str) -> Any:
    return growing(title, text, Query(total(increase(metric), _ENV), _JOB))
