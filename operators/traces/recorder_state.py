"""What the recorder knows: the episodes of all environments, the traces that are open, and what whole runs are like."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised
from nissa.operators.fold import EnvKey, Keyed
from nissa.operators.traces.episode_buffer import EpisodeBuffer
from nissa.operators.traces.happenings import Happening
from nissa.operators.traces.run_happenings import RunHappenings
from nissa.operators.traces.trace_table import TraceTable

__all__ = ["Recorder"]


@dataclass(slots=True)
class Recorder:
    """All environments, and the traces that are open."""

    buffers: Keyed[EpisodeBuffer]
    traces: TraceTable
    runs: Keyed[RunHappenings] = field(default_factory=lambda: Keyed(RunHappenings))
    off: Keyed[frozenset[str]] = field(default_factory=lambda: Keyed(frozenset[str]))
    """Alerts that open no trace, as an environment, its group or its run is configured."""

    def off_for(self, key: EnvKey) -> frozenset[str]:
        """A network that all environments share is configured once, for its group or for the run."""
        wider = (self.off.items.get(known) for known in (key, (*key[:2], None), (key[0], None, None)))
        return next((off for off in wider if off is not None), frozenset())

    def done_to(self, key: EnvKey, event: Event[AlertRaised]) -> Iterable[Happening]:
        """What was done to the run, as far as it is about what the alert is about."""
        run = self.runs.items.get(key[0])
        policy = event.scope.env != key[2] or event.payload.update is not None
        return run.about(key, self.buffers[key].episode, policy) if run else ()

    def env_of(self, event: Event[AlertRaised]) -> EnvKey | None:
        """The environment to trace; None if there is none with batches."""
        run, group, env = own = event.scope[:3]
        if env is not None or ((buffer := self.buffers.items.get(own)) and buffer.ring):
            return own
        candidates = (key for key, buffer in reversed(self.buffers.items.items()) if buffer.ring)
        return next((key for key in candidates if key[0] == run and group in (None, key[1])), None)

    def forget(self, run: str) -> None:
        """Let go what is known of a run that ended; its traces are closed by then."""
        for rows in (self.buffers.items, self.off.items):
            for gone in [key for key in rows if key[0] == run]:
                del rows[gone]
        self.runs.items.pop(run, None)
