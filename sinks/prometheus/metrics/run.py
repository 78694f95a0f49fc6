"""Is it alive, and how far has it come? Metrics of runs, episodes and phases."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import EpisodeEnded, EpisodeStarted, EpochCompleted, Heartbeat, PhaseTimed, RunEnded, RunStarted
from nissa.sinks.prometheus.metric import ENV, RUN, Labels, Metric, Readings, Rows, Sample, metrics, ratio

__all__ = ["COUNTS", "GAUGES", "LIVENESS", "METRICS"]

LIVENESS = ("nissa_run_heartbeat_timestamp_seconds", "nissa_run_last_event_timestamp_seconds")
"""What says that a run is alive, or, when it grows old or goes away without an end, that it is not."""

_RUN_GAUGES: Rows = {
    "nissa_run_started_timestamp_seconds": (
        "seconds",
        "When the run started, since 1970; where nobody says so, when its first event happened.",
    ),
    "nissa_run_heartbeat_timestamp_seconds": ("seconds", "When the pipeline was last known to be alive, since 1970."),
    "nissa_run_last_event_timestamp_seconds": ("seconds", "When the trainer last emitted; heartbeats do not count."),
    "nissa_run_environments": ("environments", "Environments that run side by side, over all groups."),
    "nissa_run_planned_episodes": ("episodes", "Episodes planned for each environment; absent if not known."),
    "nissa_run_planned_epochs": ("epochs", "Host epochs planned for each episode."),
}
_ENV_GAUGES: Rows = {
    "nissa_episode_index": ("1", "Episode that started last, from 0."),
    "nissa_epoch_index": ("1", "Host epoch completed last in the episode, from 1."),
    "nissa_episode_planned_epochs": ("epochs", "Host epochs planned for the episode that started last."),
    "nissa_episode_final_accuracy_ratio": ("ratio", "Validation accuracy at the end of the last finished episode."),
    "nissa_episode_final_loss": ("nats", "Validation loss at the end of the last finished episode."),
    "nissa_episode_reward": ("reward", "Sum of the rewards, not discounted, of the last finished episode."),
    "nissa_episode_epochs": ("epochs", "Host epochs of the last finished episode."),
    "nissa_episode_growth_ratio": ("factor", "(host + fossilized parameters) / host of the last finished episode."),
}
_ENV_COUNTS: Rows = {
    "nissa_episodes_started_total": ("episodes", "Episodes started."),
    "nissa_epochs_total": ("epochs", "Host epochs completed."),
    "nissa_batches_total": ("batches", "Mini-batches completed."),
}
_INFO = ("git_commit", "task_type", "host_architecture", "base_seed", "python_version", "torch_version")
_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4)
"""Half a decade each, from one decision of a policy to an epoch of hours."""

METRICS = (
    *metrics("gauge", (*RUN, *_INFO), {"nissa_run_info": ("1", "Always 1: what the run is.")}),
    *metrics("gauge", RUN, _RUN_GAUGES),
    *metrics("gauge", (*RUN, "outcome"), {"nissa_run_ended_timestamp_seconds": ("seconds", "When the run ended.")}),
    *metrics("counter", ("outcome",), {"nissa_runs_ended_total": ("runs", "Runs that ended, by how; they stay.")}),
    *metrics("gauge", ENV, _ENV_GAUGES),
    *metrics("counter", ENV, _ENV_COUNTS),
    *metrics("counter", (*ENV, "outcome"), {"nissa_episodes_total": ("episodes", "Episodes that ended, by how.")}),
    Metric("nissa_phase_duration_seconds", "histogram", "Time of each phase.", "seconds", (*RUN, "phase"), _BUCKETS),
)


def _run_started(at: Labels, event: Event[RunStarted]) -> Iterator[Sample]:
    run, row = at[:1], event.payload
    versions = [row.versions.get(library, "") for library in ("python", "torch")]
    what = (row.git_commit or "", row.task_type, row.host_architecture or "", str(row.base_seed), *versions)
    yield "nissa_run_info", (*run, *what), 1
    yield "nissa_run_started_timestamp_seconds", run, event.time
    yield "nissa_run_environments", run, row.n_envs
    yield "nissa_run_planned_episodes", run, row.n_episodes
    yield "nissa_run_planned_epochs", run, row.max_epochs


def _heartbeat(at: Labels, event: Event[Heartbeat]) -> Iterator[Sample]:
    yield "nissa_run_heartbeat_timestamp_seconds", at[:1], event.time


def _run_ended(at: Labels, event: Event[RunEnded]) -> Iterator[Sample]:
    yield "nissa_run_ended_timestamp_seconds", (at[0], event.payload.outcome), event.time


def _episode_started(at: Labels, event: Event[EpisodeStarted]) -> Iterator[Sample]:
    yield "nissa_episode_index", at, event.scope.episode
    yield "nissa_episode_planned_epochs", at, event.payload.max_epochs


def _epoch(at: Labels, event: Event[EpochCompleted]) -> Iterator[Sample]:
    yield "nissa_epoch_index", at, event.scope.epoch


def _episode_ended(at: Labels, event: Event[EpisodeEnded]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_episode_final_accuracy_ratio", at, ratio(row.final_accuracy)
    yield "nissa_episode_final_loss", at, row.final_loss
    yield "nissa_episode_reward", at, row.total_reward
    yield "nissa_episode_epochs", at, row.epochs
    yield "nissa_episode_growth_ratio", at, row.growth_ratio


def _count_run(_: Labels, event: Event[RunEnded]) -> Iterator[Sample]:
    yield "nissa_runs_ended_total", (event.payload.outcome,), 1


def _open_episode(at: Labels, _: Event[EpisodeStarted]) -> Iterator[Sample]:
    yield "nissa_episodes_started_total", at, 1
    yield "nissa_episodes_total", (*at, "completed"), 0


def _count_episode(at: Labels, event: Event[EpisodeEnded]) -> Iterator[Sample]:
    yield "nissa_episodes_total", (*at, event.payload.outcome), 1


def _time_phases(at: Labels, event: Event[PhaseTimed]) -> Iterator[Sample]:
    for phase, seconds in event.payload.durations.items():
        yield "nissa_phase_duration_seconds", (at[0], phase), seconds


GAUGES: Readings = {
    RunStarted: _run_started,
    Heartbeat: _heartbeat,
    RunEnded: _run_ended,
    EpisodeStarted: _episode_started,
    EpochCompleted: _epoch,
    EpisodeEnded: _episode_ended,
}
COUNTS: Readings = {
    RunEnded: _count_run,
    EpisodeStarted: _open_episode,
    EpisodeEnded: _count_episode,
    PhaseTimed: _time_phases,
}
