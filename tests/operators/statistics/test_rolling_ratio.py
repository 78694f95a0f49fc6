"""Gradient norms against a plain median of the last 64, computed anew for each of them."""

import math
import statistics

from hypothesis import example, given
from hypothesis import strategies as st

from nissa.operators.statistics.detection import Detection
from nissa.operators.statistics.rolling_ratio import RollingMedianRatio

NORMS = st.lists(
    st.sampled_from((0.0, 1e-9, 0.5, 1.0, 1.5, 100.0, 250.0, 1e5, 1e308)) | st.floats(0, 1e6), max_size=200
)


def plain(norms: list[float], factor: float, warm_up: int) -> list[Detection | None]:
    """The rule as docs/detectors.md states it."""
    found: list[Detection | None] = []
    for n, norm in enumerate(norms):
        last = norms[max(0, n - 64) : n]
        usual = statistics.median(last) if len(last) >= warm_up else 0.0
        over = usual > 0 and norm > factor * usual
        found.append(Detection("ratio", usual, factor * usual, len(last)) if over else None)
    return found


@given(NORMS, st.sampled_from((2.0, 100.0)), st.sampled_from((1, 3, 20, 64)))
@example([1e-9, *[1.0] * 70, 150.0, 1.0, 99.0, 101.0], 100.0, 20)
@example([*[0.0] * 64, 1.0, *[0.0] * 40, *[1.0] * 40], 100.0, 20)
@example([*[1.0] * 64, *[1e-6] * 64, 1.0, 1.0], 100.0, 20)
def test_it_equals_the_median_of_the_last_computed_anew(norms: list[float], factor: float, warm_up: int) -> None:
    typical = RollingMedianRatio()
    assert [typical.judge(norm, factor, warm_up) for norm in norms] == plain(norms, factor, warm_up)


def test_a_norm_at_its_limit_is_none_and_the_next_number_is() -> None:
    at, over = RollingMedianRatio(), RollingMedianRatio()
    for norm in (0.125, *[0.25] * 19):
        assert at.judge(norm, 100.0, 20) is over.judge(norm, 100.0, 20) is None
    assert at.judge(25.0, 100.0, 20) is None
    assert over.judge(math.nextafter(25.0, 26.0), 100.0, 20) == Detection("ratio", 0.25, 25.0, 20)


def test_a_small_norm_of_long_ago_is_forgotten_when_the_next_one_is_looked_at() -> None:
    typical = RollingMedianRatio()
    for norm in (0.0, *[1.0] * 64):
        typical.judge(norm, 100.0, 20)
    assert typical.least == 0.0
    typical.judge(2.0, 100.0, 20)
    assert typical.least == 1.0
