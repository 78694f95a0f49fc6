"""Six hours of a clean demo, and a second run on the same port, judged by promtool: no alert fires without a reason."""

import json
import re
import shutil
import subprocess
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpisodeEnded,
    Heartbeat,
    HostBaselineMeasured,
    RunEnded,
)
from tests.grafana.history import History, history
from tests.grafana.past import END, Past
from tests.grafana.process import INTERVAL, scrapes
from tests.grafana.rules import ALERTS, GROUPS
from tests.grafana.stretched import Run

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"),
]
EVERY = 60.0
"""Seconds from one judgement to the next."""
LATE = INTERVAL + EVERY
"""Seconds by which an alert may be late."""


def fired(told: History, directory: Path, groups: Sequence[Any] = GROUPS) -> set[str]:
    """Alerts that fired at any time, as promtool says."""
    used = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    lines = (line for family in told.values() for line in family.items() if line[0].partition("{")[0] in used)
    series = [{"series": name, "values": _notation(*values)} for name, values in lines]
    asked = 'count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[6h]))'
    test = {"promql_expr_test": [{"expr": asked, "eval_time": f"{END:.0f}s", "exp_samples": []}]}
    (directory / "rules.json").write_text(json.dumps({"groups": groups}))
    tests = [{"interval": f"{INTERVAL:.0f}s", "input_series": series, **test}]
    document = {"rule_files": ["rules.json"], "evaluation_interval": f"{EVERY:.0f}s", "tests": tests}
    (directory / "tests.json").write_text(json.dumps(document))
    done = subprocess.run(
        ["promtool", "test", "rules", directory / "tests.json"], capture_output=True, text=True, check=False
    )
    assert series
    # It was told to expect nothing, so it lists what there is.
    found = set(re.findall(r'alertname="(\w+)"', done.stdout + done.stderr))
    assert found or "SUCCESS" in done.stdout, done.stdout + done.stderr
    return found


def _notation(times: Sequence[float], values: Sequence[float]) -> str:
    """One value for each scrape, and an end mark after the last."""
    told = {int(at / INTERVAL): repr(value) for at, value in zip(times, values, strict=True)}
    return " ".join(told.get(n, "stale" if n - 1 in told else "_") for n in range(int(END / INTERVAL) + 1))


def standing(run: Run) -> Iterator[tuple[str, str, float]]:
    """Name and severity of alerts that stood, and for how many seconds at least one of them did in an environment."""
    counts: dict[tuple[Any, ...], int] = {}
    since: dict[tuple[Any, ...], float] = {}
    for event in run:
        if isinstance(event.payload, AlertRaised | AlertResolved):
            key = (event.payload.alert, event.payload.severity, event.scope.group, event.scope.env)
            counts[key] = counts.get(key, 0) + (1 if isinstance(event.payload, AlertRaised) else -1)
            if counts[key]:
                since.setdefault(key, event.time)
            else:
                yield key[0], key[1], event.time - since.pop(key)
    yield from ((key[0], key[1], run[-1].time - began) for key, began in since.items())


NOTICED = {
    "NissaNonFinite": ("non_finite", 60.0),
    "NissaGradientExplosion": ("gradient_explosion", 60.0),
    "NissaLossSpike": ("loss_spike", 60.0),
    "NissaAccuracyDrop": ("accuracy_drop", 300.0),
    "NissaEntropyCollapse": ("entropy_collapse critical", 60.0),
    "NissaEntropyLow": ("entropy_collapse warning", 300.0),
    "NissaValueCollapse": ("value_collapse", 60.0),
    "NissaPolicyUnstable": ("clip_fraction_spike degenerate_returns kl_spike", 300.0),
    "NissaRatioExplosion": ("ratio_explosion", 300.0),
    "NissaPolicyStalled": ("policy_stalled policy_unmoved", 60.0),
    "NissaAccountMismatch": ("account_mismatch", 60.0),
    "NissaImplausibleValue": ("implausible_value", 60.0),
    "NissaRankStraggler": ("rank_straggler", 60.0),
    "NissaRankDiverged": ("rank_diverged", 60.0),
    "NissaRankSilent": ("rank_silent", 60.0),
}
"""Which alerts of the detectors a rule passes on, and after how many seconds."""


def reasons(runs: Sequence[Run]) -> Iterator[tuple[str, float]]:
    """Rules that have something to say, and for how many seconds it was so beyond those that they wait."""
    for run in runs:
        trained = [event.time for event in run if not isinstance(event.payload, Heartbeat)]
        if grown_without_gain(run):
            yield "NissaGrowthWithoutGain", 1.0  # whether an hour's mean is so, is for Prometheus to say
        yield "NissaRunStalled", max(b - a for a, b in pairwise(trained)) - 600 - 300
        for rule, (names, wait) in NOTICED.items():
            for alert, severity, seconds in standing(run):
                if alert in names.split() and (severity in names.split() or "entropy" not in alert):
                    yield rule, seconds - wait
                    yield rule, LATE if often(run, alert) else -inf


def grown_without_gain(run: Run) -> bool:
    """Whether an episode kept a network of 1.2 times its host or more that is no more accurate than the host alone."""
    alone = {e.scope.env: e.payload.final_accuracy for e in run if isinstance(e.payload, HostBaselineMeasured)}
    ends = [event for event in run if isinstance(event.payload, EpisodeEnded)]
    return any(e.payload.growth_ratio >= 1.2 and e.payload.kept_accuracy <= alone[e.scope.env] for e in ends)


def often(run: Run, alert: str) -> bool:
    """Whether an environment raised it three times in ten minutes, or so nearly that it is for Prometheus to say."""
    raised: dict[Any, list[float]] = {}
    for event in run:
        if isinstance(event.payload, AlertRaised) and event.payload.alert == alert:
            raised.setdefault(event.scope[:3], []).append(event.time)
    return any(c - a < 600 + INTERVAL for times in raised.values() for a, c in zip(times, times[2:], strict=False))


def test_what_fires_in_six_hours_of_a_clean_demo_has_a_reason_in_its_log(past: Past, tmp_path: Path) -> None:
    longest: dict[str, float] = {}
    for rule, seconds in reasons(past.runs):
        longest[rule] = max(seconds, longest.get(rule, -inf))
    found = fired(past.told, tmp_path)
    assert found <= {rule for rule, seconds in longest.items() if seconds > 0}
    assert found >= {rule for rule, seconds in longest.items() if seconds > LATE}
    assert [alert for alert in found if ALERTS[alert]["labels"]["severity"] == "critical"] == []


FAULTS = {
    "NissaPipelineStalled": ("nissa_run_heartbeat_timestamp_seconds", 0.0),
    "NissaSinkDown": ("nissa_sink_up", 0.0),
    "NissaOverMutation": ("nissa_live_growth_ratio", 1.5),
}


def test_a_history_with_faults_in_it_is_noticed(past: Past, tmp_path: Path) -> None:
    faulty = dict(past.told)
    for metric, value in FAULTS.values():
        series = past.told[metric].items()
        faulty[metric] = {name: (times, array("d", [value] * len(times))) for name, (times, _) in series}
    assert fired(faulty, tmp_path) >= FAULTS.keys()


def test_a_run_that_goes_on_at_once_after_its_end_without_saying_so_is_heard_dying(tmp_path: Path) -> None:
    """Half a minute later, in a process that lives for another half."""
    batch = BatchCompleted(batch=0, loss=1.0, accuracy=50.0, host_grad_norm=1.0, seed_grad_norms={})
    ended = Event[Any](40, 600.0, Scope("r1"), RunEnded(outcome="failed", duration=600.0))
    first, second = (
        [Event[Any](n, since + INTERVAL * n, Scope("r1", "ppo", 0), batch) for n in range(count)]
        for since, count in ((0.0, 40), (630.0, 3))
    )
    assert fired(history(scrapes([[*first, ended], second], 0.0, 660.0)), tmp_path) == {
        "NissaRunFailed",
        "NissaRunDied",
    }
