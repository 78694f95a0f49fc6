"""Which colour does it get? Those of Okabe and Ito, which people with any kind of colour vision tell apart.

https://jfly.uni-koeln.de/color/; a grey stands for their black, which a dark screen would swallow. Only what means
something has one, and the same in every panel; all else has what Grafana gives it.
"""

from collections.abc import Mapping

from nissa.events.vocabulary import LEARNING, STAGES

__all__ = ["BAD", "FINE", "LEARNING_COLORS", "NAMED", "NEUTRAL", "POOR", "SHOWN", "STAGE_COLORS"]

_GREY, _ORANGE, _SKY, _GREEN = "#6B6B6B", "#E69F00", "#56B4E9", "#009E73"
_YELLOW, _BLUE, _VERMILLION, _PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

FINE, POOR, BAD = _SKY, _YELLOW, _VERMILLION
"""Colours of states: they differ in lightness too."""
NEUTRAL = _GREY
"""Of what is neither good nor bad."""

STAGE_COLORS: Mapping[str, str] = dict(
    zip(
        STAGES,
        ("#4D4D4D", _SKY, _BLUE, _YELLOW, "#692D00", _ORANGE, _GREEN, _VERMILLION, _PURPLE, _GREY),
        strict=True,
    )
)
"""Of the stages of a slot."""

LEARNING_COLORS: Mapping[str, str] = dict(zip(LEARNING, (_GREY, _SKY, _YELLOW, _ORANGE, _VERMILLION), strict=True))
"""Of the ways in which a network learns."""
SHOWN: Mapping[int, tuple[str, str]] = {-1: ("worse", BAD), 0: ("not shown", NEUTRAL), 1: ("better", FINE)}
"""Of what a comparison with the host trained alone shows."""

NAMED: Mapping[str, Mapping[str, str]] = {
    "stage": STAGE_COLORS,
    "severity": {"critical": BAD, "warning": POOR, "info": _SKY},
    "group": {"ppo": _SKY, "heuristic": _ORANGE, "never": _GREY},
    "blueprint": {"norm": _SKY, "attention": _ORANGE, "depthwise": _GREEN, "conv_enhance": _PURPLE},
}
"""Of values that mean the same in every panel, by label; groups and blueprints are those of the reference trainer."""
