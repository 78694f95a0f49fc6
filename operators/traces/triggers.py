"""What does an alert want traced: which environment, and how much of what came before it and will come after it?"""

from typing import NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised
from nissa.operators.fold import Keyed
from nissa.operators.traces.episode_buffer import Place
from nissa.operators.traces.nearby import Moment
from nissa.operators.traces.open_trace import Capture
from nissa.operators.traces.trace_table import Key

__all__ = ["Extent", "aim", "past", "where"]


class Extent(NamedTuple):
    """Batches of a trace."""

    window: int
    """After an alert."""
    marked: int
    """Before and after a mark."""
    most: int
    """After whatever opened it."""


def where(places: Keyed[Place], event: Event[AlertRaised]) -> Key | None:
    """The environment to trace; None if there is none with batches."""
    run, group, env = own = event.scope[:3]
    if env is not None or ((place := places.items.get(own)) and place.ring):
        return own
    candidates = (key for key, place in reversed(places.items.items()) if place.ring)
    return next((key for key in candidates if key[0] == run and group in (None, key[1])), None)


def past(key: Key, place: Place, now: float, batches: int) -> Capture:
    """A trace with its past: the last batches, and the gates that were asked meanwhile."""
    capture = Capture(key[1], key[2], place.episode, list(place.ring)[-batches:], now)
    for event in place.gates(since=capture.before[0].seq if capture.before else 0):
        capture.measure(event)
    return capture


def aim(trace: Capture, place: Place, event: Event[AlertRaised], extent: Extent) -> None:
    """Let a trace go on for as long as an alert or a mark asks; an alert has more of what came before it, too."""
    alert = event.payload
    if alert.severity == "info":
        trace.trigger(alert.alert, extent.marked, extent.most)
        return
    trace.reach_back(place.ring)
    trace.look_closely(Moment(event.seq, event.scope.epoch, place.batch(event.seq)), place.layers(), place.norms)
    trace.trigger(alert.alert, extent.window, extent.most)
