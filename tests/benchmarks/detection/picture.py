"""Draws operating curves: a panel for each fault, a line for each rule. By hand, so that it needs no library."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import log10
from pathlib import Path

from tests.benchmarks.detection.judging import Judged

__all__ = ["draw"]

COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Okabe and Ito's, which most people can tell apart."""
WIDTH, HEIGHT, GAP, HEAD = 250, 170, 46, 56
LEFT, RIGHT = 0.1, 20.0
"""False alarms in 1,000 steps, from one side of a panel to the other."""
TICKS = (0.1, 0.3, 1.0, 3.0, 10.0)

Curves = Mapping[str, Sequence[Judged]]
Chance = Callable[[float, str], float]


def draw(file: Path, curves: Curves, faults: Sequence[str], chance: Chance) -> None:
    """Writes an SVG, three panels in a row."""
    rows = (len(faults) + 2) // 3
    width, height = GAP + 3 * (WIDTH + GAP), HEAD + rows * (HEIGHT + GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="11" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(list(curves)),
    ]
    for n, fault in enumerate(faults):
        left, top = GAP + n % 3 * (WIDTH + GAP), HEAD + n // 3 * (HEIGHT + GAP)
        parts += [f'<g transform="translate({left} {top})">', *_panel(curves, fault, chance), "</g>"]
    parts.append(_text(width / 2, height - 10, "false alarms in 1,000 clean steps", "middle", 13))
    upright = _text(0, 0, "percent found in time", "middle", 13)
    parts.append(f'<g transform="translate(14 {height / 2}) rotate(-90)">{upright}</g>')
    file.write_text("\n".join([*parts, "</svg>", ""]))


def _legend(names: Sequence[str]) -> Iterator[str]:
    for n, name in enumerate([*names, "by chance"]):
        left = GAP + n * 108
        yield _line([(left, 20), (left + 22, 20)], _colour(n), n == 0, n == len(names))
        yield _text(left + 28, 24, name, "start", 12)


def _panel(curves: Curves, fault: str, chance: Chance) -> Iterator[str]:
    yield _text(WIDTH / 2, -6, fault, "middle", 12)
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
    for share in (0, 25, 50, 75, 100):
        yield f'<path d="M0 {_down(share):.1f}H{WIDTH}" stroke="#eee"/>'
        yield _text(-5, _down(share) + 4, str(share), "end")
    for rate in TICKS:
        yield f'<path d="M{_across(rate):.1f} 0V{HEIGHT}" stroke="#eee"/>'
        yield _text(_across(rate), HEIGHT + 14, f"{rate:g}", "middle")
    rates = [LEFT * (RIGHT / LEFT) ** (n / 40) for n in range(41)]
    yield _line([(_across(rate), _down(chance(rate, fault))) for rate in rates], _colour(len(curves)), False, True)
    for n, curve in reversed([*enumerate(curves.values())]):
        inside = _within([(row.alarms, row.found[fault]) for row in curve])
        yield _line([(_across(rate), _down(share)) for rate, share in inside], _colour(n), n == 0)


def _within(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """What of a curve lies in the panel, cut off at its sides."""
    if LEFT <= points[0][0] <= RIGHT:
        yield points[0]
    for (rate, share), (later, more) in pairwise(points):
        for side in (LEFT, RIGHT):
            if rate < side < later:
                yield side, share + (more - share) * (side - rate) / (later - rate)
        if LEFT <= later <= RIGHT:
            yield later, more


def _across(rate: float) -> float:
    return WIDTH * log10(rate / LEFT) / log10(RIGHT / LEFT)


def _down(share: float) -> float:
    return HEIGHT * (1 - share / 100)


def _colour(n: int) -> str:
    return (*COLOURS, "#333")[n]


def _line(points: Sequence[tuple[float, float]], colour: str, bold: bool = False, dashed: bool = False) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{2.6 if bold else 1.4}"{dashes}/>'


def _text(x: float, y: float, text: str, anchor: str, size: int = 10) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'
