"""What went on before and after something was noticed? A ring of the last batches is always on, and opens into traces.

Every alert opens a trace of its environment, with the ring as its past. A mark (severity "info") does so once: the same
gate of a slot opens no second one until it passed or the slot changed its stage, so a gate that fails each epoch gives
one trace. Whatever is raised while a trace is open is named in it, and what would have opened one extends it. A trace
closes when its batches have come, with its episode, with the run, or when its environment has fallen silent.

A trace of marks alone is lean: fewer batches, and no layers. Measurements are kept from the first alert on, with the
last two before it and the norms before those.

An alert without an environment, as of a policy, is traced in the environment of its group that was heard of last, and
one without a group in any of its run. An environment that tells no batches has no traces. What comes late from an
earlier episode, or says no episode where others do, is in no trace. After its end an episode keeps as many batches as
a mark has.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    DenseTraceCaptured,
    EpisodeEnded,
    EpisodeStarted,
    GateEvaluated,
    GradientsMeasured,
    Heartbeat,
    RunEnded,
    StageChanged,
)
from nissa.operators.fold import Fold, Keyed
from nissa.operators.traces.episode_buffer import Place
from nissa.operators.traces.trace_table import Key, OpenTraces
from nissa.operators.traces.triggers import Extent, aim, past, where

__all__ = ["Recorder", "flight_recorder"]

_KINDS = (
    BatchCompleted,
    GradientsMeasured,
    ActivationsMeasured,
    GateEvaluated,
    StageChanged,
    EpisodeStarted,
    EpisodeEnded,
    AlertRaised,
    Heartbeat,
    RunEnded,
)

Told = Iterable[DenseTraceCaptured]


@dataclass(slots=True)
class Recorder:
    """All environments, and the traces that are open."""

    places: Keyed[Place]
    traces: OpenTraces = field(default_factory=OpenTraces)


def flight_recorder(
    ring: int = 64, window: int = 64, marked: int = 16, most: int = 256, timeout: float = 600.0
) -> Fold[Recorder]:
    """A `DenseTraceCaptured` for each trace that closes.

    A trace has up to `ring` batches before an alert and `window` after it, `marked` each before and after a mark, but
    no more than `most` after what opened it. It closes when nothing came from its environment for `timeout` seconds.
    Raises ValueError unless `ring` and `marked` are at least 1, `marked` <= `window` <= `most`, and `timeout` above 0.
    """
    if ring < 1 or not 1 <= marked <= window <= most or not timeout > 0:
        limits = "ring >= 1, 1 <= marked <= window <= most and timeout > 0"
        raise ValueError(f"need {limits}, not {ring}, {marked}, {window}, {most} and {timeout}")

    def recorder() -> Recorder:
        return Recorder(Keyed(lambda: Place(deque(maxlen=ring))))

    return Fold("flight_recorder", _KINDS, recorder, partial(_step, Extent(window, marked, most), timeout))


def _step(extent: Extent, timeout: float, state: Recorder, event: Event[Any]) -> Told:
    """Nearly every event is a batch of the episode that its environment is in: that is one append, or two."""
    scope = event.scope
    # Not `>=`: a time may be NaN.
    if type(event.payload) is not BatchCompleted or not event.time < state.traces.due:
        return _turn(extent, timeout, state, event)
    place = state.places[key := scope[:3]]
    if place.episode != scope.episode or place.over:
        return _turn(extent, timeout, state, event)
    place.ring.append(event)
    return _go_on(state, key, event)


def _turn(extent: Extent, timeout: float, state: Recorder, event: Event[Any]) -> Told:
    """Everything else."""
    payload, key = event.payload, event.scope[:3]
    yield from state.traces.close_silent(event.time, timeout)
    if isinstance(payload, RunEnded):
        yield from state.traces.close_run(event.scope.run)
        for place in [place for place in state.places.items if place[0] == event.scope.run]:
            del state.places.items[place]
    elif isinstance(payload, AlertRaised):
        yield from _alert(extent, timeout, state, event)
    elif not isinstance(payload, Heartbeat):
        if isinstance(payload, EpisodeStarted) or state.places[key].is_before(event.scope.episode):
            yield from _begin(state, key, event.scope.episode)
        if event.scope.episode == state.places[key].episode:
            yield from _follow(extent.marked, state, key, event)


def _begin(state: Recorder, key: Key, episode: int | None) -> Told:
    """Nothing of one episode is left in the next, whether its end was told or not."""
    yield from state.traces.close(key, "episode_ended")
    state.places.items.pop(key, None)
    state.places[key].episode = episode


def _follow(rest: int, state: Recorder, key: Key, event: Event[Any]) -> Told:
    """Take in what an environment says."""
    payload, place, capture = event.payload, state.places[key], state.traces.captures.get(key)
    if capture:
        capture.heard = event.time
    if isinstance(payload, EpisodeEnded):
        place.rest(rest)
        yield from state.traces.close(key, "episode_ended")
    elif isinstance(payload, BatchCompleted):
        place.over = False
        place.ring.append(event)
        yield from _go_on(state, key, event)
    else:
        place.marks.forget(payload)
        if place.keep(event) and capture:
            capture.measure(event)


def _go_on(state: Recorder, key: Key, event: Event[BatchCompleted]) -> Told:
    """One batch more of the trace that is open, if there is one."""
    capture = state.traces.captures.get(key)
    if capture is None:
        return ()
    capture.heard = event.time
    capture.after.append(event)
    capture.wanted -= 1
    return state.traces.close(key, "window") if capture.wanted <= 0 else ()


def _alert(extent: Extent, timeout: float, state: Recorder, event: Event[AlertRaised]) -> Told:
    key = where(state.places, event)
    if key is None:
        return
    if key == event.scope[:3] and state.places[key].is_before(event.scope.episode):
        yield from _begin(state, key, event.scope.episode)
    place = state.places[key]
    if event.scope.episode not in (None, place.episode):
        return
    if event.payload.severity != "info" or place.is_news(event):
        # It opens a trace, or extends the one that is open.
        capture = state.traces.captures.get(key)
        trace = capture or past(key, place, event.time, extent.marked)
        aim(trace, place, event, extent)
        if capture is None:
            yield from state.traces.open(key, trace, timeout)
    if capture := state.traces.captures.get(key):
        capture.name(event)
    if place.over:
        yield from state.traces.close(key, "episode_ended")
