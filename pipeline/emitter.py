"""What a trainer's parts hold: an emitter that knows where it is, so that they need not."""

from collections.abc import Callable, Mapping
from typing import Any

from nissa.events.event import Scope
from nissa.events.kind import Payload
from nissa.pipeline.dispatch.fault_log import Faults
from nissa.pipeline.hub.hub import Hub

__all__ = ["Emitter"]


class Emitter:
    """Emits payloads with its scope. A slot that is handed one knows nothing of environments."""

    __slots__ = ("_emit", "_hub", "scope")

    def __init__(self, hub: Hub, scope: Scope) -> None:
        self._hub, self._emit = hub, hub.emit
        self.scope = scope
        """Where this emitter is now."""

    def emit(self, payload: Payload) -> None:
        """Send one event on its way. Thread-safe; never waits, never raises, does no I/O."""
        self._emit(payload, self.scope)

    def relay(self, payload: Payload, scope: Scope, time: float, extra: Mapping[str, Any] | None) -> None:
        """Send on what another system told: where and when it happened, and what it said beyond the payload."""
        self._hub.relay(payload, scope, time, extra)

    @property
    def faults(self) -> Faults:
        """Where errors are counted, also those of parts that feed this emitter."""
        return self._hub.faults

    def measure(self, probe: Callable[..., Payload], *arguments: Any) -> None:
        """Emit what a probe finds. A probe that fails is counted and logged once, and training goes on."""
        try:
            payload = probe(*arguments)
        except Exception as error:  # noqa: BLE001  # the trainer must not feel it
            self._hub.fault(f"probe {getattr(probe, '__name__', probe)}", error)
        else:
            self.emit(payload)

    def bind(self, **where: Any) -> "Emitter":
        """Another emitter, at this place but for what is given: `group`, `env`, `episode`, `epoch`."""
        return Emitter(self._hub, self.scope._replace(**where))

    def move(self, **where: Any) -> None:
        """Go on to another `episode` or `epoch`, with all who hold this emitter. Past events stay where they were."""
        self.scope = self.scope._replace(**where)
