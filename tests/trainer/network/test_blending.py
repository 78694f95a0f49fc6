"""The share of a seed rises from 0 to 1 along its curve."""

import pytest

from nissa.trainer.network.blending import BLENDS, alpha_at


@pytest.mark.parametrize(
    ("blend", "progress", "alpha"),
    [
        ("linear", 0.25, 0.25),
        ("linear", 0.75, 0.75),
        ("cosine", 0.25, 0.1464466),  # (1 - cos 45 degrees) / 2
        ("cosine", 0.5, 0.5),
        ("cosine", 1 / 3, 0.25),  # (1 - cos 60 degrees) / 2
        ("sigmoid", 0.5, 0.5),
        ("sigmoid", 0.25, 0.0451767),  # (1/(1 + e^3) - 1/(1 + e^6)) / (1/(1 + e^-6) - 1/(1 + e^6))
    ],
)
def test_each_curve_passes_its_hand_computed_points(blend: str, progress: float, alpha: float) -> None:
    assert alpha_at(blend, progress) == pytest.approx(alpha, abs=1e-6)


@pytest.mark.parametrize("blend", BLENDS)
def test_each_curve_starts_at_exactly_0_ends_at_exactly_1_and_never_falls(blend: str) -> None:
    shares = [alpha_at(blend, step / 100) for step in range(101)]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert alpha_at(blend, -1.0) == 0.0
    assert alpha_at(blend, 7.0) == 1.0


def test_a_curve_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        alpha_at("square", 0.5)
