"""What went on before and after something was noticed? A ring of the last batches is always on, and opens into traces.

Every alert opens a trace of its environment, with the ring as its past. A mark (severity "info") does so once: the same
gate of a slot opens no second one until it passed or the slot changed its stage, so a gate that fails each epoch gives
one trace. Whatever is raised while a trace is open is named in it, and what would have opened one extends it. A trace
closes when its batches have come, with its episode, with the run, or when its environment has fallen silent.

A trace of marks alone is lean: fewer batches, and no layers. Measurements are kept from the first alert on, with the
last two before it and the norms before those.

What was done before an alert is named as what may have caused it: turns in the lives of seeds, injected faults, a new
fidelity, a new learning rate of the policy.

The configuration may switch off that a mark, or the collapse of a policy, opens or extends a trace. Where one is open
already, what was raised is named in it all the same.

An alert without an environment, as of a policy, is traced in the environment of its group that was heard of last, and
one without a group in any of its run. An environment that tells no batches has no traces. What comes late from an
earlier episode, or says no episode where others do, is in no trace. After its end an episode keeps as many batches as
a mark has.
"""

from collections import deque
from collections.abc import Iterable
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
    FidelityChanged,
    GradientsMeasured,
    Heartbeat,
    PolicyUpdated,
    ProbesConfigured,
    RunEnded,
    RunStarted,
)
from nissa.events.vocabulary import MARK, UNSEEN
from nissa.operators.fold import EnvKey, Fold, Keyed
from nissa.operators.traces.episode_buffer import MEASURED, EpisodeBuffer, Extent
from nissa.operators.traces.happenings import TOLD, Happening
from nissa.operators.traces.recorder_state import Recorder
from nissa.operators.traces.switches import switched_off
from nissa.operators.traces.trace_table import TraceTable

__all__ = ["flight_recorder"]

_MANY = frozenset({BatchCompleted, GradientsMeasured, ActivationsMeasured})
_OF_RUN = (RunStarted, FidelityChanged, PolicyUpdated)
_KINDS = (
    BatchCompleted,
    *MEASURED,
    *TOLD,
    *_OF_RUN,
    ProbesConfigured,
    EpisodeStarted,
    EpisodeEnded,
    AlertRaised,
    Heartbeat,
    RunEnded,
)


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
        return Recorder(Keyed(lambda: EpisodeBuffer(deque(maxlen=ring))), TraceTable(timeout))

    return Fold("flight_recorder", _KINDS, recorder, partial(_step, Extent(window, marked, most)), version=3)


def _step(extent: Extent, state: Recorder, event: Event[Any]) -> Iterable[DenseTraceCaptured]:
    """Nearly every event is of the episode that its environment is in: a batch is one append, or two."""
    scope, kind = event.scope, type(event.payload)
    # Not `>=`: a time may be NaN.
    if kind not in _MANY or not event.time < state.traces.due:
        return _turn(extent, state, event)
    buffer = state.buffers[key := scope[:3]]
    if buffer.episode != scope.episode or buffer.over:
        return _turn(extent, state, event)
    if kind is not BatchCompleted:
        return _measured(state, buffer, key, event)
    buffer.ring.append(event)
    return _go_on(state, key, event)


def _turn(extent: Extent, state: Recorder, event: Event[Any]) -> Iterable[DenseTraceCaptured]:
    """Everything else."""
    payload, key = event.payload, event.scope[:3]
    yield from state.traces.close_silent(event.time)
    if isinstance(payload, RunEnded):
        yield from state.traces.close_run(event.scope.run)
        state.forget(event.scope.run)
    elif isinstance(payload, AlertRaised):
        yield from _alert(extent, state, event)
    elif isinstance(payload, _OF_RUN):
        state.runs[event.scope.run].take(event)
    elif isinstance(payload, ProbesConfigured):
        state.off[key] = switched_off(payload.config)
    elif not isinstance(payload, Heartbeat):
        if isinstance(payload, EpisodeStarted) or state.buffers[key].is_before(event.scope.episode):
            yield from _begin(state, key, event)
        if event.scope.episode == state.buffers[key].episode:
            yield from _follow(extent.marked, state, key, event)


def _begin(state: Recorder, key: EnvKey, event: Event[Any]) -> Iterable[DenseTraceCaptured]:
    """Nothing of one episode is left in the next, whether its end was told or not; but that it was lost is."""
    yield from state.traces.close(key, "episode_ended")
    before = state.buffers.items.pop(key, None)
    state.buffers[key].episode = event.scope.episode
    if before and before.episode is not None and before.ring and not before.over:
        lost = f"episode {before.episode} was lost: its end was not told"
        state.buffers[key].happenings.recent.append(Happening(event.seq, event.scope.epoch, "episode_lost", None, lost))


def _follow(rest: int, state: Recorder, key: EnvKey, event: Event[Any]) -> Iterable[DenseTraceCaptured]:
    """Take in what an environment says."""
    payload, buffer, trace = event.payload, state.buffers[key], state.traces.by_env.get(key)
    if trace:
        trace.heard = event.time
    if isinstance(payload, EpisodeEnded):
        buffer.rest(rest)
        yield from state.traces.close(key, "episode_ended")
    elif isinstance(payload, BatchCompleted):
        buffer.over = False
        buffer.ring.append(event)
        yield from _go_on(state, key, event)
    elif type(payload) in MEASURED:
        _measured(state, buffer, key, event)
    else:
        done = buffer.note(event)
        if trace:
            for one in done:
                trace.add_happening(one)


def _measured(state: Recorder, buffer: EpisodeBuffer, key: EnvKey, event: Event[Any]) -> Iterable[DenseTraceCaptured]:
    """One measurement or gate more, also of the trace that is open, if there is one."""
    buffer.keep(event)
    if trace := state.traces.by_env.get(key):
        trace.heard = event.time
        trace.add_measurement(event)
    return ()


def _go_on(state: Recorder, key: EnvKey, event: Event[BatchCompleted]) -> Iterable[DenseTraceCaptured]:
    """One batch more of the trace that is open, if there is one."""
    trace = state.traces.by_env.get(key)
    if trace is None:
        return ()
    trace.heard = event.time
    trace.after.append(event)
    trace.wanted -= 1
    return state.traces.close(key, "window") if trace.wanted <= 0 else ()


def _alert(extent: Extent, state: Recorder, event: Event[AlertRaised]) -> Iterable[DenseTraceCaptured]:
    key = state.env_of(event)
    if key is None:
        return
    if key == event.scope[:3] and state.buffers[key].is_before(event.scope.episode):
        yield from _begin(state, key, event)
    buffer = state.buffers[key]
    if event.scope.episode not in (None, buffer.episode):
        return
    off = UNSEEN | state.off_for(key)
    if event.payload.alert not in off and (event.payload.severity != MARK or buffer.is_news(event)):
        # It opens a trace, or extends the one that is open.
        known = state.traces.by_env.get(key)
        trace = known or buffer.open_trace(key, event.time, extent.marked)
        buffer.aim(trace, event, extent, state.done_to(key, event))
        if known is None:
            yield from state.traces.open(key, trace)
    if opened := state.traces.by_env.get(key):
        opened.add_alert(event)
    if buffer.over:
        yield from state.traces.close(key, "episode_ended")
