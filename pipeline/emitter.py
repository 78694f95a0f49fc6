"""What a trainer's parts hold: an emitter that knows where it is, so that they need not."""

import sys
from collections.abc import Callable, Mapping
from time import thread_time
from types import FrameType
from typing import Any, TypeVar

from nissa.events.event import Scope
from nissa.events.kind import Payload
from nissa.events.scalars import ScalarsLogged
from nissa.events.taking import NoEventError, UnreadableValueError, taken
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub import Inlet, Meter

__all__ = ["Emitter"]

T = TypeVar("T")
_OWN = ("nissa.pipeline.", "nissa.events.", "nissa.integrations.")
"""Modules through which a trainer's call comes here."""

_SENT = (
    "what an emitter of the run {!r} emits in another process is lost: hand the network an emitter of a Telemetry that "
    "was made there"
)


class _Nowhere:
    """Stands for the hub in another process, to which an emitter was sent with the network that holds it."""

    def __init__(self, run: str) -> None:
        self.faults, self.meter = FaultLog(), Meter()
        self._untold: str | None = _SENT.format(run)

    def put(self, *_: Any) -> None:
        """Take nothing, and say so once."""
        message, self._untold = self._untold, None
        if message:
            self.faults.tell(message)

    relay = put


class Emitter:
    """Emits payloads with its scope. A slot that is handed one knows nothing of environments.

    A copy of a network speaks through the emitter of the original. In another process, or loaded from a file, an
    emitter is mute, and says so once.
    """

    __slots__ = ("_hub", "_meter", "_put", "_sampled", "faults", "scope")

    def __init__(self, hub: Inlet | _Nowhere, scope: Scope) -> None:
        # What takes the event is held here: a call of the hub on the way would cost a tenth of it.
        self._hub, self._put, self._meter, self._sampled = hub, hub.put, hub.meter, hub.meter.sampled
        self.faults: FaultLog = hub.faults
        """Where errors are counted, also those of parts that feed this emitter."""
        self.scope = scope
        """Where this emitter is now."""

    def emit(self, payload: Payload) -> None:
        """Send one event on its way. Thread-safe; never waits, never raises, does no I/O.

        Its values are taken now: tensors and arrays of one element become numbers, mappings and lists are copied. What
        no reader of the log would take is left out where the kind allows that, or else the event is; both are counted
        as the fault "emit kind.field", and told once.
        """
        began = thread_time() if next(self._sampled) else None
        try:
            self._put(taken(payload, self._doubt), self.scope)
        except UnreadableValueError as error:
            self._doubt(error)
        except NoEventError as error:
            self.faults.refuse("emit", error, _caller())
        except Exception as error:  # noqa: BLE001  # the trainer must not feel it
            self.faults.report("emit", error)
        if began is not None:
            self._meter.emitted(began)

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Emit numbers by name, in the trainer's own units, and its `step`. Thread-safe; never waits, never raises.

        A tensor or an array of one element is a number, as in `emit`; NaN is broken, and None is no number.
        """
        # Whatever mapping it is, the event gets a dict of its own.
        self.emit(ScalarsLogged(values=values, step=step))  # type: ignore[arg-type]

    def relay(self, payload: Payload, scope: Scope, time: float, extra: Mapping[str, Any] | None) -> None:
        """Send on what another system told: where and when it happened, and what it said beyond the payload."""
        try:
            self._hub.relay(taken(payload, self._doubt), scope, time, extra)
        except UnreadableValueError as error:
            self._doubt(error)
        except Exception as error:  # noqa: BLE001  # as above
            self.faults.report("emit", error)

    def measure(self, name: str, probe: Callable[..., Payload], *arguments: Any) -> None:
        """Emit what a probe finds. One that fails is counted under its name, logged once, and training goes on."""
        payload = self.attempt(name, probe, *arguments)
        if payload is not None:
            self.emit(payload)

    def attempt(self, name: str, what: Callable[..., T], *arguments: Any) -> T | None:
        """What the first half of a probe returns; None if it fails, which is counted under `name`. Never raises."""
        try:
            with self._meter.looking():
                return what(*arguments)
        except Exception as error:  # noqa: BLE001  # the trainer must not feel it
            # It is not kept: its traceback holds all that the probe held, activations among them.
            self.faults.report(f"probe {name}", error)
        return None

    def stepped(self) -> None:
        """A step of training was made: heartbeats tell how many."""
        self._meter.steps += 1

    def _doubt(self, error: UnreadableValueError) -> None:
        self.faults.refuse(f"emit {error.field}", error, _caller())

    def __copy__(self) -> "Emitter":
        return self

    def __deepcopy__(self, _: object) -> "Emitter":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self.scope,)

    def bind(self, **where: Any) -> "Emitter":
        """Another emitter, at this place but for what is given: `group`, `env`, `episode`, `epoch`.

        Raises TypeError on an episode or epoch that is no whole number from 0, a group that is no name, or an env that
        is neither a whole number nor a name.
        """
        return Emitter(self._hub, self.scope.at(**where))

    def move(self, **where: Any) -> None:
        """Go on to another `episode` or `epoch`, with all who hold this emitter. Past events stay where they were.

        Raises as `bind` does.
        """
        self.scope = self.scope.at(**where)


def _caller() -> str:
    """The line of the trainer that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame and str(frame.f_globals.get("__name__")).startswith(_OWN) and frame.f_back:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "somewhere"


def _elsewhere(scope: Scope) -> Emitter:
    return Emitter(_Nowhere(scope.run), scope)
