"""How does a line get between the progress bars of others? By the means that tqdm and rich have for it.

Neither is imported here for its own sake: only what the trainer has in use counts.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import ref

from rich.console import Console
from rich.live import Live

__all__ = ["OthersBars"]


class OthersBars:
    """What others show in the same terminal, and redraw in place."""

    def __init__(self) -> None:
        self._live: Callable[[], Live | None] = _none

    @contextmanager
    def paused(self) -> Iterator[Console | None]:
        """Nobody redraws meanwhile. Where rich shows something live, its console, which prints lines above that."""
        live = _live() or self._live()
        self._live = ref(live) if live else _none
        # Its lock is held to the end of its last drawing, which would come on top of a line.
        with getattr(live, "_lock", nullcontext()):
            if live and live.is_started and live.console.is_terminal:
                yield live.console
            else:
                with _without_tqdm():
                    yield None


def _live() -> Live | None:
    """What rich shows now, whoever made it: the thread that draws it anew is what can be found."""
    shown = (getattr(thread, "live", None) for thread in threading.enumerate())
    return next((live for live in shown if isinstance(live, Live)), None)


def _without_tqdm() -> AbstractContextManager[Any]:
    tqdm = getattr(sys.modules.get("tqdm.std"), "tqdm", None)
    bars = len(getattr(tqdm, "_instances", ()))
    return tqdm.external_write_mode(file=sys.stderr) if tqdm and bars else nullcontext()


def _none() -> None:
    return None
