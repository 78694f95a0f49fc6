"""What must alerts and the runbook say in words? Numbers of the rules and constants of the code, written out."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as promql

from nissa.operators.anomalies.thresholds import MODES
from nissa.operators.policy.collapse import LIMITS as COLLAPSE
from nissa.operators.policy.update_spikes import LIMITS as SPIKES
from nissa.pipeline.hub.circuit_breaker import FAILURES
from nissa.pipeline.telemetry import LINGER
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from tests.grafana.promql import nodes, parsed
from tests.grafana.quantities import Bound, bounds
from tests.grafana.rules import ALERTS, RECORDED

__all__ = ["HELD", "NUMBERS", "SAID", "plain", "span"]

HELD = 120.0
"""Seconds for which what was scraped last is taken for what is, where a scrape fails."""

NUMBERS = re.compile(
    r"\d[\d,.]*%?|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twice|third|fifth|quarter|"
    r"half(?! precision)|minutes?|hours?)\b"
)
"""What is a number, or goes by one."""
_COUNTED = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_WORDS = {**dict(enumerate(_COUNTED, start=2)), 12: "twelve"}
_FRACTIONS = {0.2: "a fifth", 1.5: "one and a half"}
_NOISE = 0.002
"""Share of the batches of a clean curve that the detector of spikes is wrong about at most."""


def plain(text: str) -> str:
    """A text without what is for machines: templates, code and links."""
    return re.sub(r"{{.*?}}|`[^`]*`|\(.*?\.md\)", "", text, flags=re.DOTALL)


def _limit(alert: str, n: int = 0) -> float:
    found = [bound for bound in bounds(parsed(ALERTS[alert]["expr"]), RECORDED) if isinstance(bound, Bound)]
    return found[n].number


def _window(alert: str) -> str:
    """Over how long its counters are looked at, which is the same for all."""
    (window,) = set(_windows(ALERTS[alert]["expr"]))
    return span(window)


def _windows_of(alert: str) -> tuple[str, ...]:
    """Over how long its counters are looked at, where that is not the same for all."""
    return tuple(map(span, sorted(set(_windows(ALERTS[alert]["expr"])))))


_KNOWN = {"run:nissa_run_live:last5m", "run:nissa_run_watched:last1h", "run:nissa_run_young:last1h"}


def _windows(expr: str) -> Iterator[float]:
    """But for those that only ask whether something was there before, or is there still."""
    for node in nodes(parsed(expr)):
        if isinstance(node, promql.MatrixSelector):
            seconds = node.range.total_seconds()
            if node.vector_selector.offset is None and seconds != HELD:
                yield seconds
        elif isinstance(node, promql.VectorSelector) and node.name in RECORDED.keys() - _KNOWN:
            yield from _windows(RECORDED[str(node.name)])


def _wait(alert: str) -> str:
    minutes = re.fullmatch(r"(\d+)m", ALERTS[alert]["for"])
    assert minutes, f"{alert} waits {ALERTS[alert]['for']}"
    return span(60 * int(minutes[1]))


def span(seconds: float) -> str:
    """
    >>> span(60), span(600), span(900), span(7200)
    ('a minute', 'ten minutes', 'a quarter of an hour', 'two hours')
    """
    known = {60: "a minute", 900: "a quarter of an hour", 3600: "an hour"}
    whole, word = (seconds / 3600, "hours") if seconds >= 3600 else (seconds / 60, "minutes")
    return known.get(int(seconds)) or f"{_WORDS[int(whole)]} {word}"


def _again(alert: str) -> str:
    """Of what comes again and again."""
    (last, _) = _window(alert).split()
    return f"{ {3.0: 'third'}[_limit(alert, 1)] } time in {last}"


def _share(alert: str) -> str:
    found: Any = re.search(r"<= (\d+) \*", ALERTS[alert]["expr"])
    return f"{_WORDS[int(found[1])]} in {_WORDS[int(found[1]) + 1]}"


_ROBUST = MODES["robust"]
_LAST_HOUR = {"an hour": "last hour"}

SAID: Mapping[str, tuple[str, ...]] = {
    "NissaNonFinite": (
        _wait("NissaNonFinite"),
        _again("NissaNonFinite"),
        f"last {_window('NissaNonFinite')}",
        f"{1000 * _limit('NissaNonFinite', 2):g} of 1,000 batches",
    ),
    "NissaGradientExplosion": (
        f"{_ROBUST.explosion:g} times",
        _wait("NissaGradientExplosion"),
        _again("NissaGradientExplosion"),
        f"last {_window('NissaGradientExplosion')}",
    ),
    "NissaLossSpike": (
        _wait("NissaLossSpike"),
        f"{_WORDS[int(_limit('NissaLossSpike', 1))]} times in {_window('NissaLossSpike')}",
        f"last {_window('NissaLossSpike')}",
        f"{1000 * _limit('NissaLossSpike', 2):g} of 1,000 batches",
        f"over { {2: 'twice'}[int(_limit('NissaLossSpike', 2) / _NOISE)] }",
    ),
    "NissaAccuracyDrop": (f"{_WORDS[int(_ROBUST.points)]} points", _wait("NissaAccuracyDrop")),
    "NissaEntropyCollapse": (
        f"under {COLLAPSE.critical:.0%}",
        f"{_WORDS[COLLAPSE.entropy_updates]} updates in a row",
    ),
    "NissaEntropyLow": (f"under {COLLAPSE.warning:.0%}", f"below {COLLAPSE.warning:.0%}", _wait("NissaEntropyLow")),
    "NissaValueCollapse": (),
    "NissaRatioExplosion": (
        f"over {SPIKES['ratio_max'].limit:g}",
        f"over {SPIKES['ratio_max'].limit:g} times",
        _wait("NissaRatioExplosion"),
        _again("NissaRatioExplosion"),
    ),
    "NissaPolicyUnstable": (_wait("NissaPolicyUnstable"), _again("NissaPolicyUnstable")),
    "NissaGateFailing": (*_windows_of("NissaGateFailing"), f"{_limit('NissaGateFailing'):g} times or more"),
    "NissaCullingThrash": (
        f"{_limit('NissaCullingThrash'):g} seeds or more",
        _window("NissaCullingThrash"),
        _LAST_HOUR[_window("NissaCullingThrash")],
        _share("NissaCullingThrash"),
    ),
    "NissaGrowthWithoutGain": (
        f"by {_FRACTIONS[round(_limit('NissaGrowthWithoutGain') - 1, 9)]}",
        f"{_limit('NissaGrowthWithoutGain'):g} times their host",
        _window("NissaGrowthWithoutGain"),
        _LAST_HOUR[_window("NissaGrowthWithoutGain")],
    ),
    "NissaOverMutation": (
        f"{_FRACTIONS[_limit('NissaOverMutation')]} times",
        f"{_limit('NissaOverMutation'):g} times",
        _wait("NissaOverMutation"),
    ),
    "NissaRunDied": (_wait("NissaRunDied"), _window("NissaRunDied"), f"{LINGER:g} seconds"),
    "NissaRunFailed": (_window("NissaRunFailed"),),
    "NissaRunSilent": (_wait("NissaRunSilent"), _window("NissaRunSilent")),
    "NissaRunStalled": (span(_limit("NissaRunStalled")),),
    "NissaPipelineStalled": (span(_limit("NissaPipelineStalled")),),
    "NissaScrapeStale": (
        f"Over {_FRACTIONS[round(1 - _limit('NissaScrapeStale'), 9)]}",
        span(min(_windows(ALERTS["NissaScrapeStale"]["expr"]))),
    ),
    "NissaLifecycleEventsDropped": (_window("NissaLifecycleEventsDropped"),),
    "NissaEventsDropped": (_window("NissaEventsDropped"), _wait("NissaEventsDropped")),
    "NissaSinkDown": (f"{_WORDS[FAILURES]} times in a row",),
    "NissaPipelineFault": (_window("NissaPipelineFault"),),
    "NissaLabelBudgetExceeded": (_window("NissaLabelBudgetExceeded"), f"{MAX_LABEL_SETS:,} label sets"),
}
"""Phrases by alert, each of which stands in its texts or its section; there is no other number in them."""
