"""How closely does telemetry look, and what does it cost? Fidelity, traces, time, memory and runs."""

from typing import Any

from nissa.grafana.frame import Sections
from nissa.grafana.palette import FINE, POOR
from nissa.grafana.panels import bars, lines, states
from nissa.grafana.queries import Query, increase, of, rate
from nissa.grafana.thresholds import HEARTBEAT_AGE, SCRAPE_SECONDS

__all__ = ["upkeep"]

_PROCESS = "{{instance}}"


def upkeep() -> Sections:
    """The sections of the dashboard "Nissa pipeline" on fidelity, costs and runs."""
    return {"Fidelity and traces": _fidelity(), "What it costs": _costs(), "Runs": _runs()}


def _fidelity() -> list[Any]:
    named = {0: ("as configured", FINE), 1: ("dense", POOR)}
    level = Query(f"max by (run) ({of('nissa_fidelity_level')})", "{{run}}")
    share = f"sum by (run) ({of('nissa_dense_epochs_total')}) / (sum by (run) ({of('nissa_epochs_total')}) > 0)"
    traces = Query(f"sum by (reason) ({increase('nissa_traces_total', env='$env|')})", "{{reason}}")
    kept = Query(f"sum by (reason) ({of('nissa_traces_total', env='$env|')})", "{{reason}}")
    ends = (("", "last"), ("_max", "longest"))
    delays = [Query(of(f"nissa_fidelity_delay{key}_seconds"), f"{_PROCESS} {name}") for key, name in ends]
    turns = Query(f"sum by (trend) ({increase('nissa_trends_total')})", "{{trend}}")
    return [
        states("Fidelity", "How closely the probes are to look.", "none", level, names=named, size=(24, 5)),
        bars(
            "Dense epochs",
            "Share of all epochs, since the run began; the budget bounds it.",
            "percentunit",
            Query(share, "{{run}}"),
        ),
        bars(
            "Traces by reason",
            "Dense traces that closed since the run began, by the alerts that asked for them.",
            "short",
            kept,
        ),
        lines(
            "Traces", "Dense traces that closed in the time of a point.", "short", traces, size=(8, 8), style="stacked"
        ),
        lines("Delay of fidelity", "From the event that changed it to the trainer's knowing.", "s", *delays),
        lines("Changes of direction", "Of the accuracy, in the time of a point.", "short", turns, style="stacked"),
    ]


def _costs() -> list[Any]:
    sums, counts = (rate("nissa_phase_duration_seconds", suffix) for suffix in ("_sum", "_count"))
    mean = Query(f"sum by (phase) ({sums}) / (sum by (phase) ({counts}) > 0)", "{{phase}}")
    late = Query(
        f"histogram_quantile(0.95, sum by (le, phase) ({rate('nissa_phase_duration_seconds', '_bucket')}))", "{{phase}}"
    )
    busy = Query(f"sum by (phase) ({sums})", "{{phase}}")
    seconds, count = (f"sum by (instance) ({rate(f'nissa_{name}_total')})" for name in ("scrape_seconds", "scrapes"))
    resident = [
        Query(of(f"nissa_memory_resident{key}_bytes"), f"{{{{run}}}} {name}")
        for key, name in (("", "now"), ("_peak", "peak"))
    ]
    names = (("allocated", "now"), ("allocated_peak", "peak"), ("reserved", "reserved"))
    gpu = [Query(of(f"nissa_memory_{key}_bytes"), f"{{{{run}}}} {name}") for key, name in names]
    return [
        lines("Phases, mean", "Time of one phase of the trainer.", "s", mean, size=(8, 8)),
        lines("Phases, 95% are faster", "Estimated from the buckets of a histogram.", "s", late, size=(8, 8)),
        lines(
            "Where the time goes",
            "Share of the time that each phase takes; sums above 100% in several environments.",
            "percentunit",
            busy,
            size=(8, 8),
            style="stacked",
        ),
        lines(
            "Scrape",
            "Time that gathering the samples of one takes.",
            "s",
            Query(f"{seconds} / ({count} > 0)", _PROCESS),
            size=(8, 8),
            limits=SCRAPE_SECONDS,
        ),
        lines(
            "Memory", "Resident memory of the trainer's process, telemetry included.", "bytes", *resident, size=(8, 8)
        ),
        lines("GPU memory", "Held by tensors, and taken by torch; empty without a GPU.", "bytes", *gpu, size=(8, 8)),
    ]


def _runs() -> list[Any]:
    ended = Query(f"sum by (outcome) ({of('nissa_runs_ended_total')})", "{{outcome}}")
    ended_at = of("nissa_run_ended_timestamp_seconds")
    age = f"time() - {of('nissa_run_heartbeat_timestamp_seconds')} unless on (run) {ended_at}"
    batches = Query(f"sum by (run) ({rate('nissa_batches_total')})", "{{run}}")
    return [
        bars("Runs ended", "Since the process began, by how.", "short", ended),
        lines(
            "Heartbeat",
            "Time since the pipeline was last known to be alive, until the run ends.",
            "s",
            Query(age, "{{run}}"),
            size=(8, 8),
            limits=HEARTBEAT_AGE,
            style="slopes",
        ),
        lines("Batches", "In a second, over all environments.", "cps", batches, size=(8, 8)),
    ]
