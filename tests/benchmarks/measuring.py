"""How the benchmarks measure: side by side, interleaved, medians of several with their spread."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = ["Figure", "interleaved", "report"]


class Figure(NamedTuple):
    """One measured quantity."""

    name: str
    values: list[float]
    unit: str
    aim: str = ""

    def line(self) -> str:
        """Median, the range between the quartiles, and the aim."""
        low, middle, high = statistics.quantiles(self.values, n=4) if len(self.values) > 1 else self.values * 3
        spread = f"({low:,.4g} to {high:,.4g})"
        return f"  {self.name:<58} {middle:>12,.4g} {self.unit:<9} {spread:<24} {self.aim}".rstrip()


def interleaved(
    variants: Mapping[str, Callable[[int], None]], calls: int, between: Callable[[], object], rounds: int = 15
) -> dict[str, list[float]]:
    """CPU nanoseconds a call of this thread, of each variant in turn, again and again; `between` is not measured."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            before = time.thread_time_ns()
            variant(calls)
            spent[name].append((time.thread_time_ns() - before) / calls)
            between()
    return spent


def report(title: str, figures: list[Figure]) -> None:
    """Print a block of figures."""
    print(f"\n{title}")
    for figure in figures:
        print(figure.line())
