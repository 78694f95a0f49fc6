"""Curves in the terminal: colours that the colour-blind tell apart, and marks that tell lines apart without any."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual_plotext import PlotextPlot

from nissa.cli.monitor.courses import Place
from nissa.cli.monitor.looks import Look
from nissa.cli.monitor.series import Series, accuracies, losses

__all__ = ["Plots"]

_COLOURS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0))
"""Okabe and Ito's."""
_MARKS = ("braille", "·", "x", "o", "*", "+")


class Plots(Vertical):
    """Two plots: accuracies above losses."""

    def compose(self) -> ComposeResult:
        """The plots."""
        yield PlotextPlot(classes="accuracies")
        yield PlotextPlot(classes="losses")

    def show(self, look: Look, place: Place | None) -> None:
        """Draw a look at a run."""
        by = "epoch" if place else "epoch of the run"
        self._draw(".accuracies", f"accuracy, %, by {by}", accuracies(look, place))
        lost = losses(look, place)
        counts = " or ".join(sorted({series.by for series in lost}, reverse=True)) or "epoch of the run"
        self._draw(".losses", f"loss, by {counts}", lost)

    def _draw(self, which: str, title: str, series: Sequence[Series]) -> None:
        plot = self.query_one(which, PlotextPlot)
        plot.plt.clear_data()
        plot.plt.clear_figure()
        plot.plt.title(title if series else f"{title}: not measured")
        if at := [point for one in series for point in one.at]:
            plot.plt.xticks(_ticks(min(at), max(at)))
        for nth, one in enumerate(series):
            plot.plt.plot(one.at, one.values, label=one.name, color=_COLOURS[nth % 6], marker=_MARKS[nth % 6])
        plot.refresh()


def _ticks(first: float, last: float) -> list[float]:
    """Whole numbers, of epochs or batches."""
    return sorted({float(round(first + (last - first) * part / 4)) for part in range(5)})
