"""The whole pipeline in one process, and every way out of it."""

import gc
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch.utils.data import DataLoader

from nissa.events.event import Event
from nissa.events.kinds import (
    KINDS,
    BatchCompleted,
    EventsDropped,
    Heartbeat,
    Payload,
    RunEnded,
    SeedFossilized,
    SeedGerminated,
)
from nissa.operators.fold import only
from nissa.pipeline.hub.hub import Hub
from nissa.pipeline.replay import replay
from nissa.pipeline.sources.reader import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from tests.faults.books import balanced
from tests.samples import stories
from tests.waiting import LIMIT, hanging, until

SEED = SeedGerminated(slot="early", seed="s1", blueprint="norm", params=16)
BATCH = BatchCompleted(batch=0, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={})


def recorded(path: Path) -> list[Event[Any]]:
    return list(read_log(path, Reading()))


def ended(path: Path) -> RunEnded:
    (payload,) = [e.payload for e in recorded(path) if isinstance(e.payload, RunEnded)]
    return payload


def tell(telemetry: Telemetry, story: list[Event[Any]]) -> None:
    for e in story:
        telemetry.scope(**e.scope._replace(run=telemetry.run)._asdict() | {"run": telemetry.run}).emit(e.payload)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories())
def test_a_replay_equals_the_live_run_to_the_last_digit(tmp_path_factory: Any, story: list[Event[Any]]) -> None:
    out = tmp_path_factory.mktemp("live") / "run"
    with Telemetry("live", out=out) as telemetry:
        tell(telemetry, story)
    again = replay(out)
    assert again.tables.snapshot() == telemetry.snapshot()
    derived = [e for e in recorded(out) if e.ordinal]
    assert (again.compared, again.different) == (len(derived), 0)
    assert again.reading.dropped == again.reading.malformed == 0


def test_a_derived_event_that_was_tampered_with_is_noticed(tmp_path: Path) -> None:
    with Telemetry("live", out=tmp_path / "run") as telemetry:
        telemetry.scope(group="a", env=0).emit(SEED)
    (segment,) = (tmp_path / "run").glob("events-*")
    segment.write_text(
        segment.read_text().replace('"blueprint":"norm","germinated":1', '"blueprint":"norm","germinated":2')
    )
    assert replay(tmp_path / "run").different == 1


def test_numbers_run_without_a_gap_and_times_never_fall_behind_the_clock(tmp_path: Path) -> None:
    before = time.time()
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        for _ in range(1000):
            telemetry.emit(BATCH)
    emitted = [e for e in recorded(tmp_path / "run") if not e.ordinal]
    assert [e.seq for e in emitted] == list(range(len(emitted)))
    assert all(before <= e.time <= time.time() for e in emitted)


def test_an_emitter_carries_its_scope_and_moves_with_all_who_hold_it() -> None:
    seen = list[Event[Any]]()
    with Telemetry("run", sinks={"seen": seen.append}) as telemetry:
        env = telemetry.scope(group="ppo", env=3)
        slot = env
        env.move(episode=1, epoch=2)
        slot.emit(SEED)
        env.move(epoch=3)
        slot.emit(SEED)
        env.bind(group="b").emit(SEED)
    places = [tuple(e.scope) for e in seen if isinstance(e.payload, SeedGerminated)]
    assert places == [("run", "ppo", 3, 1, 2), ("run", "ppo", 3, 1, 3), ("run", "b", 3, 1, 3)]


def test_two_pipelines_in_one_process_do_not_mix() -> None:
    one, other = list[Event[Any]](), list[Event[Any]]()
    with Telemetry("one", sinks={"seen": one.append}) as a, Telemetry("other", sinks={"seen": other.append}) as b:
        a.emit(SEED)
        b.emit(BATCH)
    assert {e.scope.run for e in one} == {"one"}
    assert {e.scope.run for e in other} == {"other"}
    assert not any(isinstance(e.payload, SeedGerminated) for e in other)


def test_no_thread_starts_before_the_first_event_and_none_is_left_at_the_end(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    telemetry = Telemetry("run", out=tmp_path / "run", sinks={"seen": print})
    assert not set(threading.enumerate()) - before
    telemetry.emit(SEED)
    assert set(threading.enumerate()) - before
    telemetry.close()
    assert not set(threading.enumerate()) - before


def test_the_last_events_are_a_heartbeat_and_the_end(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        telemetry.emit(SEED)
    beat, end = [e.payload for e in recorded(tmp_path / "run")][-2:]
    assert isinstance(beat, Heartbeat)
    assert isinstance(end, RunEnded)
    assert (end.outcome, end.error) == ("completed", None)
    pipeline = beat.pipeline
    assert pipeline.accepted == pipeline.delivered + pipeline.queued + sum(pipeline.dropped.values())


def test_the_books_are_right_at_any_moment_and_empty_at_the_end(tmp_path: Path) -> None:
    class Bad:
        """Takes what it takes, fails, and keeps some to itself."""

        def __call__(self, e: Event[Any]) -> None:
            if e.seq % 50 == 7:
                raise ValueError("poison")

        def flush(self) -> None:
            if not random.randrange(3):
                raise OSError("not now")

    sinks: dict[str, Any] = {"bad": Bad(), "taken": list[Any]().append}
    telemetry = Telemetry("run", out=tmp_path / "run", sinks=sinks, capacity=300)

    def emit() -> None:
        for _ in range(3_000):
            telemetry.emit(BATCH)

    emitters = [threading.Thread(target=emit) for _ in range(3)]
    for thread in emitters:
        thread.start()
    while any(thread.is_alive() for thread in emitters):
        balanced(telemetry.state(), queued=True)
    telemetry.close()
    balanced(telemetry.state())
    assert telemetry.state().accepted > 9_000
    (log,) = [sink for sink in telemetry.state().sinks if sink.sink == "log"]
    assert log.written == len(recorded(tmp_path / "run"))


@pytest.mark.parametrize("inline", [True, False])
def test_after_the_end_nothing_is_queued_even_if_a_part_hangs(inline: bool) -> None:
    class Hung:
        def __init__(self, hang: Any) -> None:
            self.hang, self.inline = hang, inline

        def __call__(self, e: Event[Any]) -> None:
            self.hang(e)

    with hanging() as hang:
        telemetry = Telemetry("run", sinks={"hung": Hung(hang), "healthy": print})
        for _ in range(255):
            telemetry.emit(SEED)
        telemetry.close(timeout=1.0)
        balanced(telemetry.state())
    until(lambda: not [thread for thread in threading.enumerate() if thread.name in ("nissa-hub", "nissa-hung")])
    balanced(telemetry.state())


@pytest.mark.parametrize("when", [SeedGerminated, RunEnded])
def test_books_that_are_wrong_are_a_fault(when: type[Payload]) -> None:
    class Falsifier:
        inline = True
        kinds = (when,)

        def __call__(self, e: Event[Any]) -> None:
            telemetry._hub._worker.buffer.accepted += 2

    telemetry = Telemetry("run", sinks={"bad": Falsifier()})
    telemetry.emit(SEED)
    telemetry.close()
    assert telemetry.state().faults == {"books": 1}


def test_books_that_are_wrong_are_told_with_a_heartbeat_and_not_only_at_the_end() -> None:
    telemetry = Telemetry("run")
    telemetry.emit(SEED)
    telemetry.flush(LIMIT)
    telemetry._hub._worker.buffer.accepted += 2
    telemetry._hub.account()
    assert telemetry.state().faults == {"books": 1}
    telemetry.close(timeout=1.0)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ValueError("nan"), "failed"), (KeyboardInterrupt(), "interrupted"), (SystemExit(1), "interrupted")],
)
def test_an_exception_ends_the_run_with_its_reason_and_goes_on_its_way(
    tmp_path: Path, error: BaseException, outcome: str
) -> None:
    with pytest.raises(type(error)), Telemetry("run", out=tmp_path / "run") as telemetry:
        telemetry.emit(SEED)
        raise error
    assert (ended(tmp_path / "run").outcome, ended(tmp_path / "run").error) == (outcome, repr(error))


def test_emitting_anything_at_any_time_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry("run")
    emitter = telemetry.scope(env=0)
    for payload in (None, 3, "text", object(), {"kind": "x"}):
        emitter.emit(payload)  # type: ignore[arg-type]
    telemetry.close()
    emitter.emit(SEED)
    telemetry.close()
    state = telemetry.state()
    assert (state.faults["emit"], state.refused) == (5, 1)
    assert len([r for r in caplog.records if r.name == "nissa"]) == 1


def test_a_probe_that_fails_is_counted_and_does_not_reach_the_trainer(caplog: pytest.LogCaptureFixture) -> None:
    def probe(value: int) -> BatchCompleted:
        if value < 0:
            raise RuntimeError("sparse gradients")
        return BATCH

    seen = list[Any]()
    with Telemetry("run", sinks={"seen": seen.append}) as telemetry:
        emitter = telemetry.scope(env=0)
        for value in (-1, -2, 3):
            emitter.measure("norms", probe, value)
    assert [e.payload for e in seen if isinstance(e.payload, BatchCompleted)] == [BATCH]
    assert telemetry.state().faults == {"probe norms": 2}
    assert len([r for r in caplog.records if r.name == "nissa"]) == 1


def test_a_sink_that_hangs_delays_neither_emission_nor_the_end_nor_the_other_sinks(tmp_path: Path) -> None:
    with hanging() as hang:
        telemetry = Telemetry("run", out=tmp_path / "run", sinks={"stuck": hang}, capacity=1000)

        def log_has_room() -> bool:
            state = telemetry.state()
            return state.queued + sum(sink.queued for sink in state.sinks if sink.sink == "log") < 250

        for _ in range(5000):
            until(log_has_room)
            telemetry.emit(SEED)
        until(lambda: germinated(tmp_path / "run") == 5000)
        telemetry.close(timeout=1.0)
        (stuck,) = [s for s in telemetry.state().sinks if s.sink == "stuck"]
        assert stuck.dropped


def test_when_the_hub_is_stalled_batches_go_first_and_the_gap_is_told(tmp_path: Path) -> None:
    release = threading.Event()

    class Stuck:
        inline = True

        def __call__(self, e: Event[Any]) -> None:
            release.wait()

    with Telemetry("run", out=tmp_path / "run", sinks={"stuck": Stuck()}, capacity=100) as telemetry:
        for n in range(400):
            telemetry.emit(BATCH)
            if n % 8 == 0:
                telemetry.emit(SEED)
        held = telemetry.state()
        assert held.accepted == 450 == held.delivered + held.queued + sum(held.dropped.values())
        assert held.queued <= 100 + 1
        release.set()
    log = [e.payload for e in recorded(tmp_path / "run")]
    assert len([p for p in log if isinstance(p, SeedGerminated)]) == 50
    gaps = [p for p in log if isinstance(p, EventsDropped)]
    assert {gap.place for gap in gaps} <= {"hub", "log"}
    told = {kind: n for gap in gaps for kind, n in gap.dropped.items() if not KINDS[kind].derived}
    assert told.keys() == {"batch_completed"}
    lost = sum(gap.dropped.get("batch_completed", 0) for gap in gaps)
    assert lost == replay(tmp_path / "run").reading.dropped > 0


def test_a_hung_sink_does_not_cost_a_healthy_one_its_end() -> None:
    closed = threading.Event()

    class Healthy:
        def __call__(self, e: Event[Any]) -> None:
            pass

        def close(self) -> None:
            closed.set()

    with hanging() as hang:
        telemetry = Telemetry("run", sinks={"stuck": hang, "healthy": Healthy()})
        telemetry.emit(SEED)
        telemetry.close(timeout=1.0)
        assert closed.wait(LIMIT)
        assert telemetry.state().faults["stuck"] == 1


def test_a_hung_hub_leaves_the_sinks_their_half_of_the_time() -> None:
    closed = threading.Event()

    class Healthy:
        def __call__(self, e: Event[Any]) -> None:
            pass

        def close(self) -> None:
            time.sleep(0.05)
            closed.set()

    class Hung:
        inline = True

        def __init__(self, hang: Any) -> None:
            self.hang = hang

        def __call__(self, e: Event[Any]) -> None:
            if isinstance(e.payload, SeedGerminated):
                self.hang(e)

    with hanging() as hang:
        telemetry = Telemetry("run", sinks={"healthy": Healthy(), "hung": Hung(hang)})
        telemetry.emit(BATCH)
        telemetry.flush(LIMIT)
        telemetry.emit(SEED)
        telemetry.close(timeout=4.0)
        assert closed.is_set()
        assert telemetry.state().faults == {"hub": 1}


def test_a_close_that_is_interrupted_after_it_told_the_end_tells_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry, interrupts, close = Telemetry("run", out=tmp_path / "run"), [KeyboardInterrupt()], Hub.close

    def interrupted(hub: Hub, timeout: float) -> None:
        if interrupts:
            raise interrupts.pop()
        close(hub, timeout)

    monkeypatch.setattr(Hub, "close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        telemetry.close()
    telemetry.close("failed")
    assert ended(tmp_path / "run").outcome == "completed"


def test_a_close_that_is_interrupted_can_be_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = Telemetry("run", out=tmp_path / "run")
    telemetry.emit(SEED)
    interrupts = [KeyboardInterrupt()]
    flush = Hub.flush

    def interrupted(hub: Hub, timeout: float) -> bool:
        if interrupts:
            raise interrupts.pop()
        return flush(hub, timeout)

    monkeypatch.setattr(Hub, "flush", interrupted)
    with pytest.raises(KeyboardInterrupt):
        telemetry.close()
    telemetry.close()
    assert ended(tmp_path / "run").outcome == "completed"
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["closed"] is True


def test_a_subscriber_that_calls_exit_at_the_end_does_not_keep_the_thread(tmp_path: Path) -> None:
    def leave() -> None:
        raise SystemExit

    telemetry = Telemetry("run", out=tmp_path / "run")
    telemetry.stream.subscribe(print, on_completed=leave)
    telemetry.emit(SEED)
    telemetry.close()
    assert telemetry.state().faults == {"subscriber": 1}
    assert "nissa-hub" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("used", [False, True])
def test_a_telemetry_that_nobody_holds_is_closed_and_gives_back_what_it_took(tmp_path: Path, used: bool) -> None:
    def files() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    def make(number: int) -> None:
        telemetry = Telemetry(f"run{number}", out=tmp_path / str(number), metrics=0 if number == 3 else None, linger=0)
        if used:
            telemetry.scope(env=0).emit(SEED)

    # A server of the test before says farewell to its clients yet.
    until(lambda: "nissa-metrics" not in [thread.name for thread in threading.enumerate()])
    gc.collect()
    before, threads = files(), threading.active_count()
    for number in range(20):
        make(number)
    gc.collect()
    until(lambda: threading.active_count() == threads)
    assert files() == before
    for number in range(20):
        assert ended(tmp_path / str(number)).outcome == "interrupted"
        assert "dropped" in (ended(tmp_path / str(number)).error or "")


def test_an_emitter_keeps_the_run_open(tmp_path: Path) -> None:
    emitter = Telemetry("run", out=tmp_path / "run").scope(env=0)
    gc.collect()
    for _ in range(10):
        emitter.emit(SEED)
    del emitter
    until(lambda: json.loads((tmp_path / "run" / "manifest.json").read_text())["closed"])
    assert germinated(tmp_path / "run") == 10


def test_a_subscriber_may_close_the_pipeline_that_calls_it(tmp_path: Path) -> None:
    telemetry = Telemetry("run", out=tmp_path / "run")
    telemetry.stream.pipe(only(SeedGerminated)).subscribe(lambda e: telemetry.close())
    telemetry.emit(SEED)
    until(lambda: json.loads((tmp_path / "run" / "manifest.json").read_text())["closed"])
    assert ended(tmp_path / "run").outcome == "completed"


def test_what_is_no_payload_takes_no_room_and_leaves_no_gap(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run", capacity=200) as telemetry:
        for _ in range(200):
            telemetry.emit(None)  # type: ignore[arg-type]
        for _ in range(20):
            telemetry.emit(SEED)
        telemetry.flush(LIMIT)
        assert 20 <= telemetry.state().accepted < 30
    assert germinated(tmp_path / "run") == 20
    assert replay(tmp_path / "run").reading.dropped == 0


def test_float32_improvements_replay_to_the_last_digit(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        env: Any = telemetry.scope(group="a", env=np.int64(0))
        for improvement in (np.float32(0.37666667), torch.tensor(1.1), 100.00001):
            seed: dict[str, Any] = {"improvement": improvement, "params_added": np.int64(3), "epochs_total": 1}
            env.emit(SeedFossilized(slot="early", seed="s", blueprint="norm", **seed))
    again = replay(tmp_path / "run")
    assert again.tables.snapshot() == telemetry.snapshot()
    assert (again.different, again.reading.malformed) == (0, 0)


def test_the_stream_is_open_to_any_subscriber() -> None:
    seen = list[Event[SeedGerminated]]()
    with Telemetry("run") as telemetry:
        telemetry.stream.pipe(only(SeedGerminated)).subscribe(seen.append)
        telemetry.emit(BATCH)
        telemetry.emit(SEED)
    assert [e.payload for e in seen] == [SEED]


def test_a_failed_construction_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events-000001.jsonl").write_text("")
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(FileExistsError):
        Telemetry("run", out=tmp_path / "run", metrics=("127.0.0.1", 0))
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        Telemetry("run", out=tmp_path / "other", capacity=0)
    with pytest.raises(ValueError, match="log, tables"):
        Telemetry("run", out=tmp_path / "other", sinks={"tables": print, "log": print})
    assert not (tmp_path / "other").exists()
    assert signal.getsignal(signal.SIGTERM) is handler


def needed(distribution: str) -> set[str]:
    """What is installed with it, itself included, by names as `constraints.txt` writes them."""
    found, coming = set(), [distribution]
    while coming:
        found.add(name := coming.pop())
        with suppress(PackageNotFoundError):
            lines = [line for line in requires(name) or () if "extra ==" not in line]
            coming += {plain(re.split(r"[^\w.-]", line)[0]) for line in lines} - found
    return found


def plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_importing_it_loads_what_it_depends_on_and_nothing_else() -> None:
    program = "import sys; before = {*sys.modules}; import nissa.pipeline.telemetry; print(*{*sys.modules} - before)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    owners = packages_distributions()
    brought = {plain(owner) for module in loaded for owner in owners.get(module.split(".")[0], ())}
    assert {"orjson", "reactivex"} <= brought <= needed("nissa")


PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from nissa.events.kinds import SeedGerminated
from nissa.pipeline.telemetry import Telemetry
seed = SeedGerminated(slot="early", seed="s", blueprint="norm", params=1)
out = Path(sys.argv[1])
def wait():
    # A signal that comes just before a long sleep begins does not end it.
    for _ in range(3_000): time.sleep(0.01)
"""


def run(program: str, out: Path, send: int | None = None) -> int:
    with subprocess.Popen([sys.executable, "-c", PROGRAM + program, out], stdout=subprocess.PIPE) as process:
        try:
            if send is not None:
                assert process.stdout
                process.stdout.readline()
                process.send_signal(send)
            process.wait(timeout=LIMIT)
        finally:
            process.kill()
    return process.returncode


def germinated(out: Path) -> int:
    return sum(isinstance(e.payload, SeedGerminated) for e in recorded(out))


def test_a_process_that_forgets_to_close_loses_nothing(tmp_path: Path) -> None:
    program = "t = Telemetry('r', out=out)\nfor _ in range(1000): t.emit(seed)\n"
    assert run(program, tmp_path / "run") == 0
    assert germinated(tmp_path / "run") == 1000
    assert ended(tmp_path / "run").outcome == "interrupted"


@pytest.mark.parametrize("held", ["", "return t", "return t.scope()"])
def test_a_process_that_ends_right_after_it_dropped_a_telemetry_loses_nothing(tmp_path: Path, held: str) -> None:
    program = (
        "def main():\n    t = Telemetry('r', out=out)\n    for _ in range(1000): t.emit(seed)\n"
        f"    {held}\nkept = main()\n"
    )
    assert run(program, tmp_path / "run") == 0
    assert germinated(tmp_path / "run") == 1000
    assert ended(tmp_path / "run").outcome == "interrupted"


def test_a_process_that_dies_of_an_exception_outside_of_with_loses_nothing(tmp_path: Path) -> None:
    program = "t = Telemetry('r', out=out)\nfor _ in range(1000): t.emit(seed)\nsys.stderr.close()\nraise ValueError\n"
    assert run(program, tmp_path / "run") == 1
    assert germinated(tmp_path / "run") == 1000


def test_sigterm_writes_out_everything_and_still_kills(tmp_path: Path) -> None:
    program = "t = Telemetry('r', out=out)\nfor _ in range(1000): t.emit(seed)\nprint('.', flush=True)\nwait()\n"
    assert run(program, tmp_path / "run", signal.SIGTERM) == -signal.SIGTERM
    assert germinated(tmp_path / "run") == 1000
    assert (ended(tmp_path / "run").outcome, ended(tmp_path / "run").error) == ("interrupted", "SIGTERM")


def test_a_trainer_that_handles_sigterm_itself_goes_on_emitting(tmp_path: Path) -> None:
    program = (
        "told = []\nsignal.signal(signal.SIGTERM, lambda *_: told.append(1))\n"
        "with Telemetry('r', out=out) as t:\n"
        "    t.emit(seed)\n    print('.', flush=True)\n"
        "    while not told: time.sleep(0.01)\n"
        "    t.emit(seed)\n"
    )
    assert run(program, tmp_path / "run", signal.SIGTERM) == 0
    assert germinated(tmp_path / "run") == 2
    assert ended(tmp_path / "run").outcome == "completed"


def test_a_handler_of_the_trainers_that_calls_the_one_it_found_ends_in_a_kill_and_in_no_recursion(
    tmp_path: Path,
) -> None:
    program = (
        "a = Telemetry('a', out=out)\n"
        "found = signal.getsignal(signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *args: found(*args))\n"
        "b = Telemetry('b')\n"
        "a.emit(seed)\nprint('.', flush=True)\nwait()\n"
    )
    assert run(program, tmp_path / "run", signal.SIGTERM) == -signal.SIGTERM
    assert germinated(tmp_path / "run") == 1
    assert ended(tmp_path / "run").error == "SIGTERM"


def test_a_run_that_is_no_name_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="run must be a name, not 5"):
        Telemetry(5)  # type: ignore[arg-type]


def test_the_signal_is_given_back_when_the_last_pipeline_closes() -> None:
    before = signal.getsignal(signal.SIGTERM)
    one, other = Telemetry("one"), Telemetry("other")
    one.close()
    assert signal.getsignal(signal.SIGTERM) is not before
    other.close()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("closer", ["t.close()", "c = threading.Thread(target=t.close); c.start(); wait()"])
def test_sigterm_lets_a_close_that_is_under_way_finish(tmp_path: Path, closer: str) -> None:
    program = (
        "import threading, time\n"
        "class Slow:\n"
        "    def __call__(self, event): pass\n"
        "    def close(self):\n"
        "        print('.', flush=True)\n"
        "        time.sleep(1.0)\n"
        "t = Telemetry('r', out=out, sinks={'slow': Slow()})\n"
        "for _ in range(1000): t.emit(seed)\n"
        f"{closer}\n"
    )
    assert run(program, tmp_path / "run", signal.SIGTERM) == -signal.SIGTERM
    assert germinated(tmp_path / "run") == 1000
    assert ended(tmp_path / "run").outcome == "completed"
    assert json.loads((tmp_path / "run" / "manifest.json").read_bytes())["whole"]


def test_a_second_sigterm_does_not_wait(tmp_path: Path) -> None:
    program = (
        "import threading, time\n"
        "def kill():\n"
        "    while True: time.sleep(0.2); os.kill(os.getpid(), 15)\n"
        "class Slow:\n"
        "    def __call__(self, event): pass\n"
        "    def close(self):\n"
        "        threading.Thread(target=kill, daemon=True).start()\n"
        "        print('.', flush=True)\n"
        "        time.sleep(600)\n"
        "t = Telemetry('r', sinks={'slow': Slow()})\n"
        "t.emit(seed)\n"
        "t.close(timeout=1e6)\n"
    )
    assert run(program, tmp_path / "run", signal.SIGTERM) == -signal.SIGTERM


def test_a_forked_worker_that_is_ended_ends_at_once(tmp_path: Path) -> None:
    program = (
        "t = Telemetry('r', out=out)\nt.emit(seed)\n"
        "ready, tell = os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.write(tell, b'.')\n"
        "    wait()\n"
        "    os._exit(0)\n"
        "os.read(ready, 1)\n"
        "begun = time.monotonic()\n"
        "os.kill(child, signal.SIGTERM)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM\n"
        "sys.exit(time.monotonic() - begun < 20)\n"
    )
    assert run(program, tmp_path / "run") == 1


def test_what_a_forked_worker_emits_is_told_there_once(tmp_path: Path) -> None:
    program = (
        "import logging, threading\n"
        "t = Telemetry('r', out=out)\nt.emit(seed)\n"
        "heard = []\n"
        "logging.getLogger('nissa').addFilter(lambda r: heard.append(r.getMessage()))\n"
        "t._hub.faults._counting.acquire()\n"  # as if another thread counted a fault at the fork
        "child = os.fork()\n"
        "if child == 0:\n"
        "    for _ in range(50): t.emit(seed)\n"
        "    t.emit(None)\n"
        "    os._exit(len(heard) == 2 and 'hand the numbers to the parent' in heard[0])\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert run(program, tmp_path / "run") == 1


def test_a_forked_worker_that_only_closes_says_nothing(tmp_path: Path) -> None:
    program = (
        "import logging\n"
        "t = Telemetry('r', out=out)\nt.emit(seed)\n"
        "heard = []\n"
        "logging.getLogger('nissa').addFilter(lambda r: heard.append(r.getMessage()))\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    t.close()\n"
        "    os._exit(10 + len(heard))\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert run(program, tmp_path / "run") == 10


def test_a_forked_child_emits_nothing_closes_at_once_and_leaves_the_log_alone(tmp_path: Path) -> None:
    program = (
        "t = Telemetry('r', out=out)\nemitter = t.scope(env=0)\n"
        "for _ in range(500): t.emit(seed)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    for _ in range(500): emitter.emit(seed)\n"
        "    assert t.flush(1e6) in (True, False)\n"
        "    t.close(timeout=1e6)\n"
        "    sys.exit(7)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "for _ in range(500): emitter.emit(seed)\n"
        "t.close()\n"
        "sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    assert run(program, tmp_path / "run") == 7
    assert germinated(tmp_path / "run") == 1000
    assert replay(tmp_path / "run").reading.duplicates == 0


class Emitting(torch.utils.data.Dataset[int]):
    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> int:
        self.telemetry.emit(SEED)
        return index


def test_workers_of_a_data_loader_neither_hang_nor_emit(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        telemetry.emit(SEED)
        loader = DataLoader(Emitting(telemetry), num_workers=2, batch_size=4, multiprocessing_context="fork")
        assert sorted(int(i) for part in loader for i in part) == list(range(40))
        telemetry.emit(SEED)
    assert germinated(tmp_path / "run") == 2


def test_a_fork_while_another_thread_emits_does_not_deadlock_the_child() -> None:
    telemetry, stop = Telemetry("run"), threading.Event()

    def emit() -> None:
        while not stop.is_set():
            telemetry.emit(BATCH)

    thread = threading.Thread(target=emit)
    thread.start()
    try:
        for _ in range(30):
            if (child := os.fork()) == 0:
                telemetry.emit(BATCH)
                telemetry.close()
                os._exit(0)
            deadline = time.monotonic() + LIMIT
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    pytest.fail("the child hangs")
                time.sleep(0.002)
    finally:
        stop.set()
        thread.join()
        telemetry.close()
