"""How do the ranks of a job compare? In the job's own run, as of the last comparison."""

from nissa.events.event import Event
from nissa.events.kinds import RankFigures, RanksCompared
from nissa.sinks.prometheus.lifetimes import added, of_run
from nissa.sinks.prometheus.metric import ENV, Labels, counter, gauge
from nissa.sinks.prometheus.rows import Row

__all__ = ["MOST", "TABLES"]

MOST = 64
"""Ranks that are shown one by one: those with alerts first, and then those whose own work takes longest."""


def _shown(at: Labels, event: Event[RanksCompared]) -> list[Row]:
    ranks = sorted(event.payload.ranks, key=_place)[:MOST]
    return [((*at, str(row.rank)), row) for row in sorted(ranks, key=lambda row: row.rank)]


def _place(row: RankFigures) -> tuple[bool, float, int]:
    return not row.alerts, -(row.own_seconds or 0.0), row.rank


TABLES = (
    of_run(RanksCompared, (*ENV, "rank"), rows=_shown)(
        nissa_rank_loss=gauge("nats", "Mean training loss of a rank, in the steps compared last.", "loss"),
        nissa_rank_grad_norm=gauge(
            "L2 norm", "Mean norm of the gradient that a rank holds, in the steps compared last.", "grad_norm"
        ),
        nissa_rank_step_seconds=gauge(
            "seconds", "Mean time of a rank from one step to the next, in the steps compared last.", "seconds"
        ),
        nissa_rank_own_seconds=gauge(
            "seconds",
            "Mean time of a step in which a rank waited for no other, in the steps compared last.",
            "own_seconds",
        ),
        nissa_rank_loading_ratio=gauge(
            "ratio", "Share of its time in which a rank waited for data, in the steps compared last.", "loading_share"
        ),
        nissa_rank_alerts=gauge("alerts", "Alerts that stand against a rank.", lambda row: len(row.alerts)),
    ),
    of_run(RanksCompared, ENV)(
        nissa_job_ranks=gauge("ranks", "Ranks of a job.", "world_size"),
        nissa_job_loss=gauge("nats", "Mean training loss of all ranks of a job, in the steps compared last.", "loss"),
        nissa_job_grad_norm=gauge(
            "L2 norm", "Mean norm of the whole gradient of a job, in the steps compared last.", "grad_norm"
        ),
    ),
    added(RanksCompared, ENV)(
        nissa_job_steps_total=counter("steps", "Steps of a job that were compared.", "steps"),
        nissa_job_steps_incomplete_total=counter("steps", "Steps of a job that some rank did not tell.", "incomplete"),
    ),
)
