"""Is it alive, and how far has it come? Metrics of runs, episodes, phases, and of the process's memory."""

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    EventsDropped,
    Heartbeat,
    MemoryMeasured,
    OverheadGoverned,
    PhaseTimed,
    RunEnded,
    RunStarted,
    ThroughputMeasured,
)
from nissa.events.vocabulary import OUTCOMES
from nissa.sinks.prometheus.lifetimes import Start, added, at_scrape, of_episode, of_run, shared
from nissa.sinks.prometheus.metric import ENV, RUN, Labels, Read, counter, gauge, histogram, one
from nissa.sinks.prometheus.rows import Row, by, each, listed, whole
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["LIVENESS", "TABLES"]

LIVENESS = ("nissa_run_heartbeat_timestamp_seconds", "nissa_run_last_event_timestamp_seconds")
"""What says that a run is alive, or, when it grows old or goes away without an end, that it is not."""

_INFO = ("git_commit", "task_type", "host_architecture", "base_seed", "python_version", "torch_version")
_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4)
"""Half a decade each, from one decision of a policy to an epoch of hours."""
_PARTS = ("emitting", "measuring", "threads")
"""Of what telemetry costs."""
_OUR_OWN = (Heartbeat, EventsDropped, OverheadGoverned)
"""What the pipeline says of itself, and what follows from that."""


def _info(at: Labels, event: Event[RunStarted]) -> list[Row]:
    row = event.payload
    versions = [row.versions.get(library, "") for library in ("python", "torch")]
    seed = "" if row.base_seed is None else str(row.base_seed)
    what = (row.git_commit or "", row.task_type or "", row.host_architecture or "", seed, *versions)
    return [((*at, *what), row)]


def _begun(_: Labels, known: Snapshot) -> list[Row]:
    return [((run,), began) for run, began in known.begun.items()]


def _last_events(_: Labels, known: Snapshot) -> list[Row]:
    times: dict[str, float] = {}
    for place in known.places:
        for kind, event in place.latest.items():
            if kind not in _OUR_OWN:
                times[place.at[0]] = max(event.time, times.get(place.at[0], 0.0))
    return [((run,), last) for run, last in times.items()]


def _ended(at: Labels, event: Event[RunEnded]) -> list[Row]:
    return [((*at, event.payload.outcome), event)]


def _machine(at: Labels, event: Event[Heartbeat]) -> list[Row]:
    return [(at, machine)] if (machine := event.payload.machine) else []


def _gpus(at: Labels, event: Event[Heartbeat]) -> list[Row]:
    machine = event.payload.machine
    return [((*at, str(gpu.gpu)), gpu) for gpu in machine.gpus] if machine else []


def _costs(at: Labels, event: Event[Heartbeat]) -> list[Row]:
    cost = event.payload.cost
    return [((*at, part), getattr(cost, part)) for part in _PARTS] if cost else []


def _cost(at: Labels, event: Event[Heartbeat]) -> list[Row]:
    return [(at, cost)] if (cost := event.payload.cost) else []


def _places(_: Labels, known: Snapshot) -> list[Row]:
    return [(place.at, place) for place in known.places]


def _number_of(kind: type) -> Read:
    """Events of a kind in an environment, from its first episode on: they are counted anyway."""
    return lambda place: place.counts.get(kind, 0 if EpisodeStarted in place.counts else None)


TABLES = (
    of_run(RunStarted, (*RUN, *_INFO), rows=_info)(nissa_run_info=gauge("1", "Always 1: what the run is.", one)),
    at_scrape(Snapshot, RUN, rows=_begun)(
        nissa_run_started_timestamp_seconds=gauge(
            "seconds", "When the run started, since 1970; where nobody says so, when its first event happened.", float
        ),
    ),
    of_run(Heartbeat, RUN, rows=whole)(
        nissa_run_heartbeat_timestamp_seconds=gauge(
            "seconds", "When the pipeline was last known to be alive, since 1970.", "time"
        ),
    ),
    at_scrape(Snapshot, RUN, rows=_last_events)(
        nissa_run_last_event_timestamp_seconds=gauge(
            "seconds", "When the trainer last emitted; heartbeats do not count.", float
        ),
    ),
    of_run(RunStarted, RUN)(
        nissa_run_environments=gauge("environments", "Environments that run side by side, over all groups.", "n_envs"),
        nissa_run_planned_episodes=gauge(
            "episodes", "Episodes planned for each environment; absent if not known.", "n_episodes"
        ),
        nissa_run_planned_epochs=gauge("epochs", "Host epochs planned for each episode.", "max_epochs"),
    ),
    of_run(RunEnded, (*RUN, "outcome"), rows=_ended)(
        nissa_run_ended_timestamp_seconds=gauge("seconds", "When the run ended.", "time"),
    ),
    added(RunEnded, ("outcome",), rows=by("outcome"), zeros={Start: listed(OUTCOMES)})(
        nissa_runs_ended_total=counter("runs", "Runs that ended, by how; they stay."),
    ),
    of_run(EpisodeStarted, ENV, rows=whole)(
        nissa_episode_index=gauge("1", "Episode that started last, from 0.", "scope.episode"),
    ),
    of_episode(EpochCompleted, ENV, rows=whole)(
        nissa_epoch_index=gauge("1", "Host epoch completed last in the episode, from 1.", "scope.epoch"),
    ),
    of_run(EpisodeStarted, ENV)(
        nissa_episode_planned_epochs=gauge(
            "epochs", "Host epochs planned for the episode that started last.", "max_epochs"
        ),
    ),
    of_run(EpisodeEnded, ENV)(
        nissa_episode_final_loss=gauge(
            "nats",
            "Validation loss of the network as trained, all seeds in, at the end of the last finished episode.",
            "final_loss",
        ),
        nissa_episode_kept_loss=gauge(
            "nats", "Validation loss of what remains after the end of the last finished episode.", "kept_loss"
        ),
        nissa_episode_reward=gauge(
            "reward", "Sum of the rewards, not discounted, of the last finished episode.", "total_reward"
        ),
        nissa_episode_epochs=gauge("epochs", "Host epochs of the last finished episode.", "epochs"),
    ),
    added(EpisodeStarted, ENV)(nissa_episodes_started_total=counter("episodes", "Episodes started.")),
    at_scrape(Snapshot, ENV, rows=_places)(
        nissa_epochs_total=counter("epochs", "Host epochs completed.", _number_of(EpochCompleted)),
        nissa_batches_total=counter("batches", "Mini-batches completed.", _number_of(BatchCompleted)),
    ),
    added(EpisodeEnded, (*ENV, "outcome"), rows=by("outcome"), zeros={EpisodeStarted: listed(["completed"])})(
        nissa_episodes_total=counter("episodes", "Episodes that ended, by how."),
    ),
    added(PhaseTimed, (*RUN, "phase"), rows=each("durations"))(
        nissa_phase_duration_seconds=histogram("seconds", "Time of each phase.", _BUCKETS, float),
    ),
    added(ThroughputMeasured, ENV)(
        nissa_steps_total=counter("steps", "Training steps whose time was taken.", "steps"),
        nissa_steps_seconds_total=counter("seconds", "Time of those steps, waiting for data included.", "seconds"),
        nissa_samples_total=counter("samples", "Samples that were loaded for them.", "samples"),
        nissa_loading_seconds_total=counter("seconds", "Part of that time spent waiting for data.", "loading"),
    ),
    of_run(Heartbeat, RUN, rows=_machine)(
        nissa_process_cpu_cores=gauge("cores", "Cores that the trainer's process kept busy of late.", "cpu"),
        nissa_process_resident_bytes=gauge(
            "bytes", "Resident memory of the trainer's process at the last heartbeat.", "resident"
        ),
    ),
    of_run(Heartbeat, (*RUN, "part"), rows=_costs)(
        nissa_telemetry_cpu_seconds_total=counter(
            "seconds",
            "CPU time that telemetry took of the trainer's process: emitting, measuring, its own threads.",
            float,
        ),
    ),
    of_run(Heartbeat, RUN, rows=_cost)(
        nissa_trainer_cpu_seconds_total=counter(
            "seconds", "CPU time of the trainer's process since the run began in it, telemetry included.", "whole"
        ),
        nissa_collector_cpu_seconds_total=counter(
            "seconds", "CPU time of the collector's process; absent without one.", "collecting"
        ),
        nissa_trainer_steps_total=counter(
            "steps", "Steps of training in that process, over all networks; absent without a log.", "steps"
        ),
        nissa_log_bytes_total=counter(
            "bytes", "Lines of the run's log that the trainer's process wrote; absent without a log.", "log_bytes"
        ),
        nissa_log_look_bytes_total=counter(
            "bytes", "Those of them that tell what looks measured; absent without a log.", "look_bytes"
        ),
    ),
    of_run(Heartbeat, (*RUN, "gpu"), rows=_gpus)(
        nissa_gpu_busy_ratio=gauge("ratio", "Share of the time of late in which the GPU computed.", "busy"),
        nissa_gpu_memory_used_bytes=gauge("bytes", "Memory of the GPU that is in use, by all processes.", "memory"),
        nissa_gpu_memory_bytes=gauge("bytes", "Memory of the GPU, in all.", "memory_size"),
        nissa_gpu_power_watts=gauge("watts", "Power that the GPU draws.", "power"),
    ),
    shared(MemoryMeasured, RUN)(
        nissa_memory_resident_bytes=gauge("bytes", "Resident memory of the trainer's process.", "resident"),
        nissa_memory_resident_peak_bytes=gauge("bytes", "The most that the resident memory ever was.", "resident_peak"),
        nissa_memory_allocated_bytes=gauge("bytes", "GPU memory held by tensors; absent without a GPU.", "allocated"),
        nissa_memory_allocated_peak_bytes=gauge(
            "bytes",
            "The most GPU memory held since the process began, or since its peak was started anew.",
            "allocated_peak",
        ),
        nissa_memory_reserved_bytes=gauge("bytes", "GPU memory that torch's allocator has taken.", "reserved"),
    ),
)
