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
from typing import Any, NamedTuple

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
from nissa.events.scope import Event
from nissa.operators.capture import Capture
from nissa.operators.marks_seen import MarksSeen
from nissa.operators.nearby import USUAL, Moment, Norms, norms_of
from nissa.operators.open_traces import Key, OpenTraces
from nissa.operators.stream import Fold, Keyed

__all__ = ["Place", "Recorder", "flight_recorder"]

_MEASURED = (GradientsMeasured, ActivationsMeasured, GateEvaluated)
_KINDS = (BatchCompleted, *_MEASURED, StageChanged, EpisodeStarted, EpisodeEnded, AlertRaised, Heartbeat, RunEnded)

Told = Iterable[DenseTraceCaptured]


class _Settings(NamedTuple):
    window: int
    marked: int
    most: int
    timeout: float


@dataclass(slots=True)
class Place:
    """The episode that an environment is in."""

    ring: deque[Event[BatchCompleted]]
    episode: int | None = None
    over: bool = False
    measured: dict[type, deque[Event[Any]]] = field(
        default_factory=lambda: {kind: deque(maxlen=8 if kind is GateEvaluated else 3) for kind in _MEASURED}
    )
    norms: deque[Norms] = field(default_factory=lambda: deque(maxlen=USUAL + 1))
    marks: MarksSeen = field(default_factory=MarksSeen)


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

    return Fold("flight_recorder", _KINDS, recorder, partial(_step, _Settings(window, marked, most, timeout)))


def _step(settings: _Settings, state: Recorder, event: Event[Any]) -> Told:
    """Nearly every event is a batch of the episode that its environment is in: that is one append, or two."""
    scope = event.scope
    # Not `>=`: a time may be NaN.
    if type(event.payload) is not BatchCompleted or not event.time < state.traces.due:
        return _turn(settings, state, event)
    place = state.places[key := scope[:3]]
    if place.episode != scope.episode or place.over:
        return _turn(settings, state, event)
    place.ring.append(event)
    return _go_on(state, key, event)


def _turn(settings: _Settings, state: Recorder, event: Event[Any]) -> Told:
    """Everything else."""
    payload, key = event.payload, event.scope[:3]
    yield from state.traces.close_silent(event.time, settings.timeout)
    if isinstance(payload, RunEnded):
        yield from state.traces.close_run(event.scope.run)
        for place in [place for place in state.places.items if place[0] == event.scope.run]:
            del state.places.items[place]
    elif isinstance(payload, AlertRaised):
        yield from _alert(settings, state, event)
    elif not isinstance(payload, Heartbeat):
        if isinstance(payload, EpisodeStarted) or _is_next(event.scope.episode, state.places[key]):
            yield from _begin(state, key, event.scope.episode)
        if event.scope.episode == state.places[key].episode:
            yield from _follow(settings, state, key, event)


def _is_next(episode: int | None, place: Place) -> bool:
    """Whether a later episode has begun, which nobody may have said. An earlier one, or none, is a straggler's."""
    return episode is not None and (place.episode is None or episode > place.episode)


def _begin(state: Recorder, key: Key, episode: int | None) -> Told:
    """Nothing of one episode is left in the next, whether its end was told or not."""
    yield from state.traces.close(key, "episode_ended")
    state.places.items.pop(key, None)
    state.places[key].episode = episode


def _follow(settings: _Settings, state: Recorder, key: Key, event: Event[Any]) -> Told:
    """Take in what an environment says."""
    payload, place, capture = event.payload, state.places[key], state.traces.captures.get(key)
    if capture:
        capture.heard = event.time
    if isinstance(payload, EpisodeEnded):
        _rest(place, settings.marked)
        yield from state.traces.close(key, "episode_ended")
    elif isinstance(payload, BatchCompleted):
        place.over = False
        place.ring.append(event)
        yield from _go_on(state, key, event)
    else:
        place.marks.forget(payload)
        if isinstance(payload, _MEASURED):
            place.measured[type(payload)].append(event)
            if isinstance(payload, GradientsMeasured):
                place.norms.append(norms_of(event))
            if capture:
                capture.measure(event)


def _rest(place: Place, batches: int) -> None:
    """What may still be asked for after the end of an episode is a policy's alert, which is about no layer."""
    place.over = True
    while len(place.ring) > batches:
        place.ring.popleft()
    place.norms.clear()
    for events in place.measured.values():
        events.clear()


def _go_on(state: Recorder, key: Key, event: Event[BatchCompleted]) -> Told:
    """One batch more of the trace that is open, if there is one."""
    capture = state.traces.captures.get(key)
    if capture is None:
        return ()
    capture.heard = event.time
    capture.after.append(event)
    capture.wanted -= 1
    return state.traces.close(key, "window") if capture.wanted <= 0 else ()


def _alert(settings: _Settings, state: Recorder, event: Event[AlertRaised]) -> Told:
    alert, key = event.payload, _where(state, event)
    if key is None:
        return
    if key == event.scope[:3] and _is_next(event.scope.episode, state.places[key]):
        yield from _begin(state, key, event.scope.episode)
    place = state.places[key]
    if event.scope.episode not in (None, place.episode):
        return
    if alert.severity != "info" or place.marks.note(event, place.measured[GateEvaluated]):
        yield from _open(settings, state, key, event)
    if capture := state.traces.captures.get(key):
        capture.name(event)
    if place.over:
        yield from state.traces.close(key, "episode_ended")


def _open(settings: _Settings, state: Recorder, key: Key, event: Event[AlertRaised]) -> Told:
    """Open a trace, or extend the one that is open."""
    place, capture = state.places[key], state.traces.captures.get(key)
    trace = capture or _past(key, place, event.time, settings.marked)
    if event.payload.severity == "info":
        trace.trigger(event.payload.alert, settings.marked, settings.most)
    else:
        trace.reach_back(place.ring)
        measured = [rows for kind, rows in place.measured.items() if kind is not GateEvaluated]
        trace.look_closely(Moment(event.seq, event.scope.epoch, _batch(place, event)), measured, place.norms)
        trace.trigger(event.payload.alert, settings.window, settings.most)
    if capture is None:
        yield from state.traces.open(key, trace, settings.timeout)


def _where(state: Recorder, event: Event[AlertRaised]) -> Key | None:
    """The environment to trace; None if there is none with batches."""
    run, group, env = own = event.scope[:3]
    if env is not None or ((place := state.places.items.get(own)) and place.ring):
        return own
    candidates = (key for key, place in reversed(state.places.items.items()) if place.ring)
    return next((key for key in candidates if key[0] == run and group in (None, key[1])), None)


def _past(key: Key, place: Place, now: float, batches: int) -> Capture:
    """A trace with its past: the last batches, and the gates that were asked meanwhile."""
    capture = Capture(key[1], key[2], place.episode, list(place.ring)[-batches:], now)
    since = capture.before[0].seq if capture.before else 0
    for event in place.measured[GateEvaluated]:
        if event.seq >= since:
            capture.measure(event)
    return capture


def _batch(place: Place, event: Event[AlertRaised]) -> int | None:
    """The batch that an alert was derived from."""
    last = place.ring[-1] if place.ring else None
    return last.payload.batch if last and last.seq == event.seq else None
