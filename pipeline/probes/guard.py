"""What becomes of a probe that fails? It is counted under its name, and the trainer goes on."""

from collections.abc import Callable
from typing import TypeVar

from nissa.events.kinds import Payload
from nissa.pipeline.emitter import Emitter

__all__ = ["attempt", "measure"]

T = TypeVar("T")


def measure(emitter: Emitter, name: str, probe: Callable[[], Payload]) -> None:
    """Emit what a probe finds. Never raises."""

    def named() -> Payload:
        return probe()

    named.__name__ = name
    emitter.measure(named)


def attempt(emitter: Emitter, name: str, what: Callable[[], T]) -> T | None:
    """What the first half of a probe returns; None if it fails. Never raises."""
    try:
        return what()
    except Exception as error:  # noqa: BLE001  # the trainer must not feel it
        # It is not kept: its traceback holds all that the probe held, activations among them.
        emitter.faults.report(f"probe {name}", error)
    return None
