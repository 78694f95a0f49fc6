"""What happened when? Marks on every panel: runs, seeds that came and stayed and went, alerts."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery

from nissa.grafana.panels import BAD, FINE, NEUTRAL, POOR, SOURCE, STAGE_COLORS
from nissa.grafana.promql import increase, of

__all__ = ["annotations"]

_STAYS, _GONE = STAGE_COLORS["FOSSILIZED"], STAGE_COLORS["CULLED"]
_ALERT = "{{alert}}: {{run}} {{group}} {{env}}"
_SEEDS = "max by (run, group, env, blueprint) ({})"
_ALERTS = "max by (run, group, env, alert) ({})"


def annotations() -> list[Any]:
    """The marks; what happens often is off until the reader wants it."""
    return [
        _at_time("Runs start", of("nissa_run_started_timestamp_seconds"), FINE, "{{run}} starts"),
        _at_time("Runs end", of("nissa_run_ended_timestamp_seconds"), NEUTRAL, "{{run}}: {{outcome}}"),
        _raised("Critical alerts", "critical", BAD),
        _raised("Warnings", "warning", POOR).enable(False),
        _seeds("Seeds fossilize", "nissa_seeds_fossilized_total", _STAYS).enable(False),
        _seeds("Seeds germinate", "nissa_seeds_germinated_total", FINE).enable(False),
        _seeds("Seeds are culled", "nissa_seeds_culled_total", _GONE).enable(False),
    ]


def _at_time(name: str, metric: str, color: str, text: str) -> AnnotationQuery:
    """At the time, in milliseconds, that is the value."""
    return _annotation(name, f"1000 * {metric}", color, text).use_value_for_time(True)


def _raised(name: str, severity: str, color: str) -> AnnotationQuery:
    expr = increase("nissa_alerts_total", env="$env|", severity=severity)
    return _annotation(name, f"{_ALERTS.format(expr)} > 0", color, _ALERT)


def _seeds(name: str, metric: str, color: str) -> AnnotationQuery:
    return _annotation(
        name, f"{_SEEDS.format(increase(metric))} > 0", color, "{{blueprint}}: {{run}} {{group}} {{env}}"
    )


def _annotation(name: str, expr: str, color: str, text: str) -> AnnotationQuery:
    annotation = AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color)
    return annotation.expr(expr).step("15s").title_format(name).text_format(text)
