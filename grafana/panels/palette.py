"""Which colour does it get? Those of Okabe and Ito, which people with any kind of colour vision tell apart.

https://jfly.uni-koeln.de/color/; a grey stands for their black, which a dark screen would swallow. A value that we
know has a colour of its own, and the same in every panel; what we do not know gets one by how its name ends.
"""

import re
import string
from collections.abc import Iterator, Mapping
from itertools import cycle

from nissa.grafana.panels.label_values import KNOWN
from nissa.sinks.prometheus.metrics.slots import STAGES

__all__ = ["ALL", "BAD", "FINE", "NAMED", "NEUTRAL", "POOR", "STAGE_COLORS", "by_last_character", "by_name"]

_GREY, _ORANGE, _SKY, _GREEN = "#6B6B6B", "#E69F00", "#56B4E9", "#009E73"
_YELLOW, _BLUE, _VERMILLION, _PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
ALL = (_SKY, _ORANGE, _GREEN, _YELLOW, _BLUE, _VERMILLION, _PURPLE, _GREY)
"""One after the other, where nothing else is said."""

FINE, POOR, BAD = _SKY, _YELLOW, _VERMILLION
"""Colours of states: they differ in lightness too."""
NEUTRAL = _GREY
"""Of what is neither good nor bad."""

STAGE_COLORS: Mapping[str, str] = dict(
    zip(
        STAGES,
        ("#4D4D4D", _SKY, _BLUE, _YELLOW, _ORANGE, _GREEN, _VERMILLION, _PURPLE, _GREY),
        strict=True,
    )
)
"""Of the stages of a slot."""

NAMED: Mapping[str, Mapping[str, str]] = {
    **{label: dict(zip(values, cycle(ALL), strict=False)) for label, values in KNOWN.items()},
    "stage": STAGE_COLORS,
    "action": {"GERMINATE": _SKY, "FOSSILIZE": _GREEN, "CULL": _VERMILLION, "WAIT": _GREY},
    "group": {"ppo": _SKY, "heuristic": _ORANGE, "never": _GREY},
    "blueprint": {"norm": _SKY, "attention": _ORANGE, "depthwise": _GREEN, "conv_enhance": _PURPLE},
    "slot": {"early": _SKY, "mid": _ORANGE, "late": _GREEN},
    "head": {"op": _SKY, "slot": _ORANGE, "blueprint": _GREEN, "blend": _PURPLE},
    "severity": {"critical": BAD, "warning": POOR, "info": _SKY},
}
"""Of values that we know of a label."""

_CHARACTERS = string.digits + string.ascii_letters + "_.-"


def by_last_character() -> list[tuple[str, str]]:
    """Regular expressions of words by how they end, and their colours: runs 0 to 7 have eight.

    >>> import re
    >>> [color for word, color in by_last_character() if re.fullmatch(word, "20261121-152")]
    ['#009E73']
    """
    return [(f"\\S*[{re.escape(_CHARACTERS[n::8])}]", color) for n, color in enumerate(ALL)]


def by_name() -> list[tuple[str, str]]:
    """The same for names with dots, as of layers; how the last part begins counts too, so that conv1 is not relu1.

    So does how all begins: what is alike in three slots has three colours.

    >>> import re
    >>> names = ("early.conv1", "mid.conv1", "late.conv1", "mid.relu1")
    >>> [color for name in names for word, color in by_name() if re.fullmatch(word, name)]
    ['#D55E00', '#F0E442', '#E69F00', '#6B6B6B']
    """
    firsts, starts, ends = ([re.escape(_CHARACTERS[n::step]) for n in range(step)] for step in (3, 2, 4))

    def words(place: int) -> Iterator[str]:
        for first, characters in enumerate(firsts):
            start, end = divmod((place - 2 * first) % len(ALL), 4)
            yield f"(?=[{characters}])(?:\\S*\\.)?(?=[{starts[start]}])[^ .]*[{ends[end]}]"

    return [("(?:" + "|".join(words(place)) + ")", color) for place, color in enumerate(ALL)]
