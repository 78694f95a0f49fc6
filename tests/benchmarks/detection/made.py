"""Curves of losses, clean or with a fault of which it is known when it began: some to choose by, others to report."""

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random

__all__ = ["CHOOSE", "FAULTS", "REPORT", "STEPS", "Curve", "Fault", "faulty"]

STEPS = 1_035
"""Steps of a curve: 45 epochs of 23 batches, of about the length of an episode of the demo."""

Curve = Callable[[Random], list[float]]
Fault = Callable[[list[float], int], list[float]]


def _noisy(course: Callable[[int], float], noise: Callable[[Random], float]) -> Curve:
    """Course x noise, step by step."""
    return lambda random: [course(n) * noise(random) for n in range(STEPS)]


def _falling(n: int) -> float:
    return 0.3 + 2.0 * math.exp(-n / 150)


def _plunging(n: int) -> float:
    return 0.002 + 2.3 * math.exp(-n / 60)


def _stepwise(n: int) -> float:
    return 2.0 * 0.35 ** (n // 300)


def _cyclic(n: int) -> float:
    return _falling(n) * (1 + 0.25 * math.sin(n / 20))


def _lognormal(sigma: float) -> Callable[[Random], float]:
    return lambda random: random.lognormvariate(0.0, sigma)


def _heavy(random: Random) -> float:
    """Student's t with three degrees of freedom, 10% wide."""
    return max(0.05, 1 + 0.1 * random.gauss(0, 1) / math.sqrt(random.gammavariate(1.5, 2) / 3))


def _wandering(keep: float, sigma: float) -> Curve:
    """Noise that remembers: each step keeps a share of the last deviation."""

    def curve(random: Random) -> list[float]:
        deviation, steps = 0.0, list[float]()
        for n in range(STEPS):
            deviation = keep * deviation + random.gauss(0, sigma)
            steps.append(_falling(n) * math.exp(deviation))
        return steps

    return curve


CHOOSE: Mapping[str, Curve] = {
    "5% noise": _noisy(_falling, lambda random: abs(random.gauss(1, 0.05))),
    "15% noise": _noisy(_falling, _lognormal(0.15)),
    "fast fall, 10%": _noisy(_plunging, _lognormal(0.10)),
    "wandering 0.7": _wandering(0.7, 0.1),
    "near zero, 60%": _noisy(lambda n: 1e-3, _lognormal(0.6)),
}
"""Curves on which constants were chosen."""

REPORT: Mapping[str, Curve] = {
    "heavy tails": _noisy(_falling, _heavy),
    "wandering 0.9": _wandering(0.9, 0.06),
    "steps down, 12%": _noisy(_stepwise, _lognormal(0.12)),
    "cyclic, gamma 22%": _noisy(_cyclic, lambda random: random.gammavariate(20, 1 / 20)),
    "fitted, 80%": _noisy(lambda n: 5e-3 + 2.3 * math.exp(-n / 40), _lognormal(0.8)),
    "vanished, 80%": _noisy(lambda n: 5e-6 + 2.3 * math.exp(-n / 20), _lognormal(0.8)),
}
"""Other curves, with other seeds, on which what was chosen is tried once."""


def _times(factor: float, steps: int) -> Fault:
    def alter(curve: list[float], at: int) -> list[float]:
        return [value * factor if at <= n < at + steps else value for n, value in enumerate(curve)]

    return alter


def _ramp(curve: list[float], at: int) -> list[float]:
    return [value * 1.02 ** max(0, min(n - at, 80)) for n, value in enumerate(curve)]


def _put(values: Mapping[int, float]) -> Fault:
    return lambda curve, at: [values.get(n - at, value) for n, value in enumerate(curve)]


FAULTS: Mapping[str, tuple[Fault, int, int]] = {
    "x1.5 once": (_times(1.5, 1), 0, 3),
    "x3 once": (_times(3, 1), 0, 3),
    "x3 for 10": (_times(3, 10), 0, 10),
    "x3 again, 12 on": (lambda curve, at: _times(3, 1)(_times(3, 1)(curve, at), at + 12), 12, 3),
    "x1000, 12 after inf": (lambda curve, at: _put({0: math.inf})(_times(1000, 1)(curve, at + 12), at), 12, 3),
    "level x1.4": (_times(1.4, STEPS), 0, 60),
    "level x2": (_times(2, STEPS), 0, 60),
    "2% a step": (_ramp, 0, 80),
    "NaN once": (_put({0: math.nan}), 0, 1),
}
"""By name: what it does to a curve, after how many steps it is due, and within how many it counts as found."""


def faulty(curve: Curve, fault: Fault, seeds: range) -> Iterator[tuple[list[float], int]]:
    """A curve with the fault in it for each seed, and where it begins."""
    for seed in seeds:
        random = Random(seed)
        values, at = curve(random), random.randrange(200, 900)
        yield fault(values, at), at
