"""A story is what Prometheus scraped minute by minute, and when an alert must be silent and when it must fire.

All stories happen in one world, a training in which nothing is wrong; each changes some of its series.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["ENV", "GROUP", "PROCESS", "RUN", "Line", "Story", "steps", "world"]

Line = Callable[[float], float | None]
"""Value by minute; None where the scrape has no such series."""

PROCESS = {"job": "trainers", "instance": "host:9464"}
RUN = {**PROCESS, "run": "r1"}
GROUP = {**RUN, "group": "ppo"}
ENV = {**GROUP, "env": "0"}


def steps(*changes: tuple[float, float | None]) -> Line:
    """A line that has each value from its minute on."""
    return lambda minute: [value for since, value in changes if since <= minute][-1]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened to which series, and what the rules must say of it; times in minutes."""

    alert: str
    name: str
    series: Mapping[str, Line]
    silent: tuple[float, ...]
    fires: tuple[float, ...] = ()
    """It fires in these minutes, and no other alert does in the first of them."""
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    """As it is in the first minute in which it fires."""
    step: float = 0.25
    """Minutes from scrape to scrape."""
    missed: tuple[tuple[float, float], ...] = ()
    """From when until when each scrape failed."""

    def lines(self) -> dict[str, Line]:
        """The world, what is different in it, and nothing of both where a scrape failed."""
        lines = {**world(), **self.series}
        return {name: self._scraped(line, 0 if name == "up@PROCESS" else None) for name, line in lines.items()}

    def _scraped(self, line: Line, failed: float | None) -> Line:
        return lambda minute: failed if any(a <= minute < b for a, b in self.missed) else line(minute)


def world() -> dict[str, Line]:
    """A run that trains, grows and gains, and has marks that are no faults."""
    age: Line = lambda minute: 60 * minute  # noqa: E731
    return {
        **_process(),
        **_noticed(),
        "nissa_run_started_timestamp_seconds@RUN": steps((0, 0)),
        "nissa_run_last_event_timestamp_seconds@RUN": age,
        "nissa_run_heartbeat_timestamp_seconds@RUN": age,
        "nissa_batches_total@ENV": lambda minute: 70 * minute,
        "nissa_gate_evaluations_total@ENV,gate=G1": lambda minute: minute,
        "nissa_gate_passes_total@ENV,gate=G1": lambda minute: minute // 2,
        "nissa_seeds_culled_total@ENV,blueprint=norm,initiator=episode_end": lambda minute: minute,
        "nissa_seeds_culled_total@ENV,blueprint=norm,initiator=policy": steps((0, 0)),
        "nissa_seeds_fossilized_total@ENV,blueprint=norm": steps((0, 0)),
        "nissa_live_growth_ratio@ENV": steps((0, 1.3)),
        "nissa_episode_kept_growth_ratio@ENV": steps((0, 1.3)),
        "nissa_cluster_up@PROCESS": steps((0, 1)),
        "nissa_cluster_run_stalled_seconds@RUN": steps((0, 0.0)),
        "nissa_cluster_checkpoints_failed_total@PROCESS": steps((0, 0)),
        "nissa_cluster_restarts_total@PROCESS": steps((0, 0)),
        # As trained it is no better than its twin, and larger: neither is what is kept.
        "nissa_episode_final_accuracy_ratio@ENV": steps((0, 0.9)),
        "nissa_episode_final_growth_ratio@ENV": steps((0, 1.8)),
        "nissa_episode_kept_accuracy_ratio@ENV": steps((0, 0.95)),
        "nissa_episode_twin_accuracy_ratio@ENV": steps((0, 0.92)),
        "nissa_baseline_final_accuracy_ratio@ENV": steps((0, 0.99)),
        "nissa_ablation_all_on_accuracy_ratio@ENV": steps((0, 0.9)),
        "nissa_ablation_all_off_accuracy_ratio@ENV": steps((0, 0.95)),
    }


def _process() -> dict[str, Line]:
    zero = steps((0, 0))
    kinds = ("batch_completed", "seed_culled")
    return {
        "up@PROCESS": steps((0, 1)),
        "nissa_pipeline_accepted_total@PROCESS": lambda minute: 1 + 80 * minute,
        "nissa_sink_up@PROCESS,sink=log": steps((0, 1)),
        "nissa_sink_oldest_seconds@PROCESS,sink=log": steps((0, 0.5)),
        **{f"nissa_pipeline_dropped_total@PROCESS,kind={kind}": zero for kind in kinds},
        **{f"nissa_sink_dropped_total@PROCESS,sink=log,kind={kind}": zero for kind in kinds},
        "nissa_pipeline_faults_total@PROCESS,component=hub": zero,
        "nissa_scrape_errors_total@PROCESS": zero,
        "nissa_label_sets_refused_total@PROCESS": zero,
    }


def _noticed() -> dict[str, Line]:
    """Gates that do not open, and stages that change, are ordinary life."""
    lines: dict[str, Line] = {}
    for alert in ("gate_failure", "stage_transition"):
        lines[f"nissa_alert_active@ENV,alert={alert}"] = steps((0, 1))
        lines[f"nissa_alerts_total@ENV,alert={alert},severity=info"] = lambda minute: 5 * minute
        lines[f"nissa_alerts_resolved_total@ENV,alert={alert},severity=info"] = lambda minute: 5 * minute - 1
    return lines
