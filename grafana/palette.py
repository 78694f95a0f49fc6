"""Which colour does it get? Those of Okabe and Ito, which people with any kind of colour vision tell apart.

https://jfly.uni-koeln.de/color/; a grey stands for their black, which a dark screen would swallow. What we know by
name has a colour of its own, and the same in every panel; other series get theirs by the last character of their
name, so that environments 0 to 7 have eight.
"""

import re
import string
from collections.abc import Mapping

from nissa.sinks.slot_metrics import STAGES

__all__ = ["BAD", "FINE", "NAMED", "POOR", "STAGE_COLORS", "WORDS", "by_last_character"]

_GREY, _ORANGE, _SKY, _GREEN = "#6B6B6B", "#E69F00", "#56B4E9", "#009E73"
_YELLOW, _BLUE, _VERMILLION, _PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
_ALL = (_SKY, _ORANGE, _GREEN, _YELLOW, _BLUE, _VERMILLION, _PURPLE, _GREY)

FINE, POOR, BAD = _SKY, _YELLOW, _VERMILLION
"""Colours of states: they differ in lightness too."""

STAGE_COLORS: Mapping[str, str] = dict(
    zip(
        STAGES,
        ("#4D4D4D", _SKY, _BLUE, _YELLOW, _ORANGE, _GREEN, _VERMILLION, _PURPLE, _GREY),
        strict=True,
    )
)
"""Of the stages of a slot."""

NAMED: Mapping[str, Mapping[str, str]] = {
    "stage": STAGE_COLORS,
    "action": {"GERMINATE": _SKY, "FOSSILIZE": _GREEN, "CULL": _VERMILLION, "WAIT": _GREY},
    "group": {"ppo": _SKY, "heuristic": _ORANGE, "never": _GREY},
    "blueprint": {"norm": _SKY, "attention": _ORANGE, "depthwise": _GREEN, "conv_enhance": _PURPLE},
    "slot": {"early": _SKY, "mid": _ORANGE, "late": _GREEN},
    "head": {"op": _SKY, "slot": _ORANGE, "blueprint": _GREEN, "blend": _PURPLE},
    "severity": {"critical": BAD, "warning": POOR, "info": _SKY},
}
"""Of values that we know of a label."""

WORDS: Mapping[str, str] = {
    "training": _ORANGE,
    "validation": _SKY,
    "grown": _GREEN,
    "host-only": _GREY,
    "on": _GREEN,
    "off": _GREY,
    "best": _SKY,
    "worst": _ORANGE,
    "accepted": _SKY,
    "delivered": _ORANGE,
    "now": _SKY,
    "peak": _ORANGE,
    "reserved": _GREY,
    "last": _SKY,
    "longest": _ORANGE,
    "value": _SKY,
    "return": _ORANGE,
}
"""Of words that a legend ends in."""


def by_last_character() -> dict[str, str]:
    """Regular expressions that each name matches one of by its last character, and their colours.

    >>> import re
    >>> [color for pattern, color in by_last_character().items() if re.search(pattern[1:-1], "ppo env 1")]
    ['#E69F00']
    """
    every = string.digits + string.ascii_letters + "_.-"
    return {f"/[{re.escape(every[n::8])}]$/": color for n, color in enumerate(_ALL)}
