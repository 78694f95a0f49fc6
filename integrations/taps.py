"""How does a part of a trainer tell what it does, where no callback says it? Its method tells, after each call.

>>> class Trainer:
...     def step(self, batch): return batch + 1
>>> trainer, seen = Trainer(), []
>>> with Taps() as taps:
...     taps.after(trainer, "step", lambda result, batch: seen.append((batch, result)))
...     _ = trainer.step(3)
>>> trainer.step(5), seen
(6, [(3, 4)])
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

__all__ = ["Taps"]


class Taps(ExitStack):
    """Methods of single objects that tell what they return, and to which arguments, until this is closed.

    What `then` raises, the trainer gets: guard it.
    """

    def after(self, owner: Any, method: str, then: Callable[..., object]) -> None:
        """Have `owner.method` call `then` with its result, and with the arguments that it was given."""
        inner, own = getattr(owner, method), method in vars(owner)

        def outer(*arguments: Any, **named: Any) -> Any:
            result = inner(*arguments, **named)
            then(result, *arguments, **named)
            return result

        setattr(owner, method, outer)
        self.callback(setattr, owner, method, inner) if own else self.callback(delattr, owner, method)
