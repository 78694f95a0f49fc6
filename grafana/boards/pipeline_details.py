"""How closely does telemetry look, and what does it cost? Fidelity, traces, time, ranks, memory and runs."""

from typing import Any

from nissa.grafana.boards.frame import Sections
from nissa.grafana.boards.ranks import rank_panels
from nissa.grafana.panels import FINE, HEARTBEAT_AGE, LEAST, POOR, SCRAPE_SECONDS, bars, growing, lines, states
from nissa.grafana.promql import Query, heartbeat, held, increase, largest, of, once, rate, total

__all__ = ["pipeline_details"]

_GROUP, _PROCESS = "{{group}} {{run}}", "{{instance}}"


def pipeline_details() -> Sections:
    """The sections of the dashboard "Nissa pipeline" on fidelity, costs and runs."""
    return {
        "Fidelity and traces": _fidelity(),
        "How fast does it train?": _speed(),
        "Ranks of a job": rank_panels(),
        "What the machine does": _machine(),
        "What it costs": [*_phases(), *_costs()],
        "Runs": _runs(),
    }


def _fidelity() -> list[Any]:
    named = {0: ("as configured", FINE), 1: ("dense", POOR)}
    level = Query(once(of("nissa_fidelity_level"), "run"), "{{run}}")
    traces = total(increase("nissa_traces_total", env="$env|"), "run, group, alert")
    ends = (("", "last"), ("_max", "longest"))
    delays = [Query(of(f"nissa_fidelity_delay{key}_seconds"), f"{name} {_PROCESS}") for key, name in ends]
    turns = Query(total(increase("nissa_trends_total"), "run, group, trend"), f"{{{{trend}}}} {_GROUP}")
    taken = Query(once(of("nissa_looks_taken_ratio"), "run"), "{{run}}")
    asked = Query(once(of("nissa_overhead_target_ratio"), "run"), "asked for {{run}}")
    share = "Share of the looks due that probes take, where an overhead was asked for, and what was."
    closed = "Dense traces that closed, by the eight alerts that most asked for."
    delay = "From the event that changed it to the trainer's knowing."
    return [
        states("Fidelity", "How closely the probes are to look.", "none", level, names=named, size=(24, 4)),
        _dense(),
        _traces(),
        growing("Traces", closed, Query(largest(8, traces), f"{{{{alert}}}} {_GROUP}"), size=(24, 8)),
        growing("Changes of direction", "Changes of the accuracy's direction.", turns, size=(8, 8)),
        lines("Looks taken", share, "percentunit", taken, asked, size=(8, 8)).no_value("no overhead was asked for"),
        lines("Delay of fidelity", delay, "s", *delays, size=(8, 8)).no_value("none measured"),
    ]


def _dense() -> Any:
    text = (
        "Share of all epochs, since the run began, over all environments, whichever are chosen; the budget bounds it."
    )
    epochs = total(of("nissa_epochs_total", group=".*", env=".*"), "run")
    share = f"{total(of('nissa_dense_epochs_total'), 'run')} / ({epochs} > 0)"
    return bars("Dense epochs", text, "percentunit", Query(held(share), "{{run}}"))


def _traces() -> Any:
    text = "Dense traces that closed since the run began, by the alerts that asked for them."
    kept = held(total(of("nissa_traces_total", env="$env|"), "run, group, alert"))
    query = Query(f"sort_desc(({kept}) > 0)", f"{{{{alert}}}} {_GROUP}")
    return bars("Traces by alert", text, "short", query, size=(16, 8))


def _phases() -> list[Any]:
    by, legend = "run, phase", "{{phase}} {{run}}"
    sums, counts = (total(rate("nissa_phase_duration_seconds", suffix), by) for suffix in ("_sum", "_count"))
    buckets = total(rate("nissa_phase_duration_seconds", "_bucket"), f"le, {by}")
    # Where no phase ended there is no quantile, which is NaN.
    late = Query(f"histogram_quantile(0.95, {buckets}) >= 0", legend)
    shares = "Share of the time that each phase takes; sums above 100% in several environments."
    mean = Query(f"{sums} / ({counts} > 0)", legend)
    rare = "Phases longer than a point stand at the points in which they ended."
    return [
        lines("Phases, mean", f"Time of one phase of the trainer. {rare}", "s", mean, style="sparse"),
        lines(
            "Phases, 95% are faster",
            f"Estimated from the buckets of a histogram. {rare}",
            "s",
            late,
            style="sparse",
        ).interval(LEAST),
        lines("Where the time goes", shares, "percentunit", Query(sums, legend), size=(24, 8), style="stacked"),
    ]


def _speed() -> list[Any]:
    told = "In a second, over the environments of a group, as far as a watch sees them."
    waits = "Share of the time of training steps in which the trainer waits for the next batch."
    keys = ("samples", "steps", "loading_seconds", "steps_seconds")
    samples, steps, loading, took = (total(rate(f"nissa_{key}_total")) for key in keys)
    return [
        lines("Samples", told, "cps", Query(samples, _GROUP), size=(8, 8)),
        lines("Steps", told, "cps", Query(steps, _GROUP), size=(8, 8)),
        lines("Waiting for data", waits, "percentunit", Query(f"{loading} / ({took} > 0)", _GROUP), size=(8, 8)),
    ]


def _machine() -> list[Any]:
    cores = "Cores that the trainer's process keeps busy, all of its threads together."
    busy = "Share of the time in which a GPU of the machine computes, whoever uses it."
    memory, power = "Of each GPU of the machine, by all processes.", "Watts that each GPU of the machine draws."
    cpu = Query(once(of("nissa_process_cpu_cores"), "run"), "{{run}}")
    sizes = [_gpu(f"memory{key}_bytes", f"{name} ") for key, name in (("_used", "in use"), ("", "in all"))]
    none = "no NVIDIA GPU, or nvidia-ml-py is not installed"
    return [
        lines("CPU", cores, "none", cpu),
        lines("GPUs", busy, "percentunit", _gpu("busy_ratio")).no_value(none),
        lines("Memory of GPUs", memory, "bytes", *sizes).no_value(none),
        lines("Power of GPUs", power, "watt", _gpu("power_watts")).no_value(none),
    ]


def _gpu(key: str, name: str = "") -> Query:
    return Query(once(of(f"nissa_gpu_{key}"), "run, gpu"), f"{name}{{{{gpu}}}} {{{{run}}}}")


def _costs() -> list[Any]:
    seconds, count = (f"sum by (instance) ({rate(f'nissa_{name}_total')})" for name in ("scrape_seconds", "scrapes"))
    scrape = Query(f"{seconds} / ({count} > 0)", _PROCESS)
    resident = [_memory(f"resident{key}", name) for key, name in (("", "now"), ("_peak", "peak"))]
    gpu = [_memory(*pair) for pair in (("allocated", "now"), ("allocated_peak", "peak"), ("reserved", "reserved"))]
    took = total(rate("nissa_telemetry_cpu_seconds_total"), "run")
    whole = total(rate("nissa_trainer_cpu_seconds_total"), "run")
    overhead = Query(f"{took} / ({whole} > 0)", "{{run}}")
    parts = Query(total(rate("nissa_telemetry_cpu_seconds_total"), "run, part"), "{{part}} {{run}}")
    beside = Query(total(rate("nissa_collector_cpu_seconds_total"), "run"), "collector {{run}}")
    steps = f"({total(rate('nissa_trainer_steps_total'), 'run')} > 0)"
    written = [
        Query(f"{total(rate(f'nissa_log_{key}bytes_total'), 'run')} / {steps}", f"{name}{{{{run}}}}")
        for key, name in (("", "all "), ("look_", "looks "))
    ]
    log = "Bytes that a training step adds to the log, on the mean, and those of looks: log_bytes_per_step bounds all."
    share = "Share of the trainer's CPU time that telemetry takes, at the least: docs/costs.md says what is left out."
    cores = "Share of a core. Emitting and measuring hold the training up; the collector is a process beside it."
    gathering = "Time that gathering the samples of one takes."
    process = "Resident memory of the trainer's process, telemetry included."
    tensors = "Held by tensors, and taken by torch; empty without a GPU."
    return [
        lines("Share of telemetry", share, "percentunit", overhead, size=(8, 8)),
        lines("CPU of telemetry", cores, "percentunit", parts, beside, size=(8, 8)),
        lines("Log of a step", log, "bytes", *written, size=(8, 8)),
        lines("Scrape", gathering, "s", scrape, size=(8, 8), limits=SCRAPE_SECONDS),
        lines("Memory", process, "bytes", *resident, size=(8, 8)),
        lines("GPU memory", tensors, "bytes", *gpu, size=(8, 8)).no_value("none measured"),
    ]


def _memory(key: str, name: str) -> Query:
    return Query(once(of(f"nissa_memory_{key}_bytes"), "run"), f"{name} {{{{run}}}}")


def _runs() -> list[Any]:
    return [_ended(), _heartbeat(), _batches()]


def _ended() -> Any:
    """A counter of them is gone with the process that counted."""
    text = "Runs that ended in the time range, by how, over all runs chosen."
    ends = once(f"last_over_time({of('nissa_run_ended_timestamp_seconds')}[$__range])", "run, outcome")
    # A process that lives on still tells of runs that ended before.
    query = Query(f"count by (outcome) ({ends} >= time() - $__range_s)", "{{outcome}}")
    return bars("Runs ended", text, "short", query, none="none ended")


def _heartbeat() -> Any:
    text = (
        "Time since the pipeline was last known to be alive, until the run ends. It rises for an hour after the "
        "process is gone."
    )
    age = Query(once(heartbeat(), "run"), "{{run}}")
    return lines("Heartbeat", text, "s", age, size=(8, 8), limits=HEARTBEAT_AGE, style="slopes")


def _batches() -> Any:
    text = "In a second, over the environments of a group."
    return lines("Batches", text, "cps", Query(total(rate("nissa_batches_total")), _GROUP), size=(8, 8))
