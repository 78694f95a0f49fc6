"""Does a run show itself on the trainer's terminal? If it was asked to, or if there is one and nobody objects."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nissa.pipeline.wiring.wiring import Asked

if TYPE_CHECKING:
    # Whoever shows nothing need not load what draws.
    from nissa.sinks.console import LiveLines

__all__ = ["live_lines"]


def live_lines(
    asked: Asked, news: Callable[[], dict[str, Any]], report: Callable[[str, BaseException], None], first: int = 0
) -> "LiveLines | None":
    """What shows the news of a run on stderr; None where it is silent."""
    stream = sys.stderr
    # Its type says that it is there; a process without a terminal may have none.
    if stream is None or not asked.config.sinks.console:
        return None
    if asked.console is False or (asked.console is None and not stream.isatty()):
        return None
    from nissa.sinks.console import LiveLines  # noqa: PLC0415

    return LiveLines(news, stream, report, first=first)
