"""A comparison as a picture in SVG: by figure each arm's repetitions, interquartile mean and interval."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, isfinite, log10

from nissa.cli.runs.compare.report import FORMS, Report, interval_text
from nissa.operators.comparison import Arm
from nissa.sinks.printable import printable

__all__ = ["picture"]

_PANELS = {"kept_training_delta": 0.0, "efficiency_ratio": 1.0, "growth_ratio": 1.0}
"""Figures that are drawn, and what the host alone has."""
_NAMES, _WIDTH, _GAP, _ROW, _HEAD, _FOOT = 160, 250, 44, 44, 56, 62
_TICKS = 4
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600}.s{font-size:11px;fill:#555}"
    ".a{stroke:#999;stroke-dasharray:4 3}.g{stroke:#ddd}.i{stroke:#0072b2;stroke-width:3}.m{fill:#0072b2}"
    ".r{fill:#0072b2;fill-opacity:.3}"
)


def picture(report: Report) -> str:
    """The text of an SVG file. Dots are repetitions; a bar is the 95% interval; what is not known is not drawn."""
    arms = report.found.arms
    width = _NAMES + len(_PANELS) * (_WIDTH + _GAP)
    height = _HEAD + _ROW * len(arms) + _FOOT
    title = f"Groups against their hosts alone, over {report.unit}s"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{_text(title)}"><title>{_text(title)}</title><style>{_STYLE}</style>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *(f'<text x="8" y="{_middle(n) + 4}">{_text(_cut(arm.name))}</text>' for n, arm in enumerate(arms)),
    ]
    for n, (figure, alone) in enumerate(_PANELS.items()):
        parts += _panel(figure, alone, arms, left=_NAMES + n * (_WIDTH + _GAP))
    legend = f"Small dots: {report.unit}s. Large dots: interquartile means, with 95% bootstrap intervals."
    parts.append(f'<text class="s" x="8" y="{height - 10}">{legend} Dashed: the host alone.</text></svg>')
    return "\n".join(parts) + "\n"


def _panel(figure: str, alone: float, arms: Sequence[Arm], left: float) -> Iterator[str]:
    head, form = FORMS[figure]
    yield f'<text class="t" x="{left}" y="22">{_text(head)}</text>'
    known = [alone, *(value for arm in arms for value in _known(figure, arm))]
    marks, low, high = _scale(min(known), max(known))
    bottom = _HEAD + _ROW * len(arms)

    def x(value: float) -> float:
        return round(left + _WIDTH * (value - low) / (high - low), 1)

    for mark in marks:
        yield f'<line class="g" x1="{x(mark)}" x2="{x(mark)}" y1="{_HEAD - 20}" y2="{bottom}"/>'
        yield f'<text class="s" x="{x(mark)}" y="{bottom + 16}" text-anchor="middle">{mark:g}</text>'
    yield f'<line class="a" x1="{x(alone)}" x2="{x(alone)}" y1="{_HEAD - 20}" y2="{bottom}"/>'
    for n, arm in enumerate(arms):
        y, interval = _middle(n), arm.figures[figure]
        yield f"<g><title>{_text(f'{arm.name}, {head}: {interval_text(interval, form)}')}</title>"
        trials = (trial.figures[figure] for trial in arm.repetitions)
        yield from (
            f'<circle class="r" cx="{x(v)}" cy="{y + 9}" r="3.5"/>' for v in trials if v is not None and isfinite(v)
        )
        if interval.low is not None and interval.high is not None and isfinite(interval.low + interval.high):
            yield f'<line class="i" x1="{x(interval.low)}" x2="{x(interval.high)}" y1="{y - 6}" y2="{y - 6}"/>'
        if interval.mean is not None and isfinite(interval.mean):
            yield f'<circle class="m" cx="{x(interval.mean)}" cy="{y - 6}" r="5.5"/>'
        yield "</g>"


def _known(figure: str, arm: Arm) -> Iterator[float]:
    for value in (*arm.figures[figure], *(trial.figures[figure] for trial in arm.repetitions)):
        if value is not None and isfinite(value):
            yield value


def _scale(low: float, high: float) -> tuple[list[float], float, float]:
    """Round marks, and the ends of an axis that holds the values."""
    span = high - low or abs(high) or 1.0
    rough = span / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = floor(low / step), ceil(high / step)
    marks = [round(step * n, 10) for n in range(first, last + 1)]
    return marks, marks[0], max(marks[-1], marks[0] + step)


def _middle(n: int) -> float:
    return _HEAD + _ROW * (n + 0.5) - 8


def _cut(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"


def _text(text: str) -> str:
    return escape(printable(text))
