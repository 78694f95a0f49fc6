"""Does a run show itself on the trainer's terminal? If it was asked to, or if there is one and nobody objects."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from nissa.pipeline.wiring.wiring import Asked
from nissa.sinks.terminals import is_terminal

if TYPE_CHECKING:
    # Whoever shows nothing need not load what draws.
    from nissa.sinks.console import LiveLines, News

__all__ = ["live_lines", "news_of"]


def news_of(asked: Asked) -> "News | None":
    """What is to be told the events of a run that shows itself from this process; None where it is silent."""
    if _shown_on(asked) is None:
        return None
    from nissa.sinks.console import News  # noqa: PLC0415

    return News()


def live_lines(
    asked: Asked, news: Callable[[], dict[str, Any]], report: Callable[[str, BaseException], None], first: int = 0
) -> "LiveLines | None":
    """What shows the news of a run on stderr; None where it is silent."""
    stream = _shown_on(asked)
    if stream is None:
        return None
    from nissa.sinks.console import LiveLines  # noqa: PLC0415

    return LiveLines(news, stream, report, first=first)


def _shown_on(asked: Asked) -> TextIO | None:
    stream: TextIO | None = sys.stderr
    # Its type says that it is there; a process without a terminal may have none.
    if stream is None or not asked.config.sinks.console or asked.console is False:
        return None
    return stream if asked.console or is_terminal(stream) else None
