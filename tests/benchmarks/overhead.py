"""What does one way of watching add to a step and to an epoch? One row of a table, from pairs of steps."""

import statistics
from typing import NamedTuple

from tests.benchmarks.networks import Network
from tests.benchmarks.pairing import Pair, Training, paired, spent
from tests.benchmarks.watching import Look, Way

__all__ = ["HEAD", "Overhead", "measured"]

_COLUMNS = "{:<36}{:>11}{:>8}{:>8}{:>10}{:>25}{:>11}{:>9}  {}"
HEAD = _COLUMNS.format("", "one look", "ms/M", "floors", "of steps", "step with / without", "an epoch", "in all", "aim")


class Overhead(NamedTuple):
    """Times are nanoseconds of CPU; `epochs` is empty where nothing is done at the end of one."""

    way: Way
    size: int
    floor: float
    """To read every gradient once."""
    pairs: list[Pair]
    epochs: list[float]
    """What an epoch costs beyond its steps, each a mean over a whole cycle."""
    steps: int
    """Steps of an epoch."""

    @property
    def look(self) -> float:
        """One measurement, in its place between backward pass and optimizer."""
        return statistics.median(pair.looking for pair in self.pairs) * self.way.every

    @property
    def of_steps(self) -> float:
        """The part of a training step that measurements take, over all steps."""
        return statistics.median(pair.looking / pair.plain for pair in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """A step with / the step without beside it: the lower quartile, the median, the upper quartile."""
        ratios = [pair.watched / pair.plain for pair in self.pairs]
        return statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3

    @property
    def in_all(self) -> float:
        """What watching adds to an epoch of `steps`, relative to it. What hooks take is known from the ratio alone."""
        own = self.ratios[1] - 1 if self.way.hooked else self.of_steps
        return own + self._epoch / self.steps / statistics.median(pair.plain for pair in self.pairs)

    def row(self, *, aimed: bool) -> str:
        """A line of the table."""
        low, middle, high = self.ratios
        looks = [f"{self.look / 1e6:.4f} ms", f"{self.look / self.size:.2f}", f"{self.look / self.floor:.1f}"]
        return _COLUMNS.format(
            self.way.name,
            *(["in hooks", "", "", ""] if self.way.hooked else [*looks, f"{self.of_steps:.2%}"]),
            f"{middle:.4f} ({low:.3f}-{high:.3f})",
            f"{self._epoch / 1e6:.2f} ms" if self.epochs else "",
            f"{self.in_all:.2%}",
            self.way.aim if aimed else "",
        ).rstrip()

    @property
    def _epoch(self) -> float:
        return statistics.median(self.epochs) if self.epochs else 0.0


def measured(network: Network, plain: Training, floor: float, way: Way) -> Overhead:
    """Train a network that is watched in this way beside the one that is not."""
    training = Training(network)
    with way.start(training.model) as look:
        training.look = look.step
        pairs = paired(plain, training, network.pairs, max(way.every, network.turn), network.turn)
        epochs = _epochs(look, training, way.every, max(1, network.pairs // 10))
    return Overhead(way, plain.size, floor, pairs, epochs, network.epoch)


def _epochs(look: Look, training: Training, every: int, cycles: int) -> list[float]:
    """What epochs cost beyond their steps, the mean of each cycle; nothing is trained in between."""
    end = look.epoch
    if not end:
        return []

    def epoch() -> int:
        # The first step of an epoch copies the weights; the gradients are measured in it as in those that follow.
        begun, later = spent(look.step), spent(lambda: [look.step() for _ in range(every)])
        return begun - later + spent(lambda: end(training.inputs, training.labels))

    epoch()
    return [statistics.mean(epoch() for _ in range(look.cycle)) for _ in range(cycles)]
