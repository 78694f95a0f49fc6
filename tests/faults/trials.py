"""All trials, by the promise that they try: how often each is made every day, by `make faults`, and with `--long`."""

from functools import partial

from tests.faults import crowds, deaths, load, logs, memory, poison, training, writers
from tests.faults.inputs import inputs
from tests.faults.trial import Trial, again, once
from tests.faults.under import FAULTS, survives
from tests.pipeline.collector import chaos

__all__ = ["PROMISES", "TRIALS"]

PROMISES = {
    1: "emit never raises and never waits",
    2: "memory is bounded",
    3: "the books balance",
    4: "loss is visible",
    5: "a sink hurts only itself",
    6: "a poison event is kept apart",
    7: "forks are harmless",
    8: "the end is written",
    9: "kill -9 costs what was not flushed",
    10: "a replay agrees",
    11: "the hub's thread is supervised",
    12: "other versions are read",
    13: "training is untouched",
}

_EMIT = "longest emit {:.1f} ms"
_KEPT = "at most {:,.0f} acknowledged"
_TOOK = "longest {:.2f} s"
_MEANT_BY_NOBODY = dict.fromkeys(("codec", "log", "esper", "config"), 10_000) | dict.fromkeys(
    ("query", "pack", "scrape"), 200
)
"""Inputs of each target; those of the latter need a database, a pack, or a connection."""

TRIALS = (
    Trial(1, "emits while hub and sink stand still", once(crowds.stalled), 5_000, 200_000, 1_000_000),
    Trial(1, "emits of 64 threads at once", once(crowds.contention), 0, 256_000, 640_000),
    Trial(1, "emits, by how long their lock is held", once(crowds.held), 0, 50_000, 500_000),
    Trial(2, "events through one run", once(load.flat), 3_000, 300_000, 10_000_000),
    Trial(2, "runs in one process, one after another", once(load.many_runs), 5, 100, 1_000),
    Trial(2, "tries to do without memory", again(memory.runs_out, "{:.0f} MemoryErrors of the trainer"), 0, 5, 20),
    Trial(3, "bursts of 64 environments, 1,000 events each", once(crowds.bursts), 1, 5, 50),
    *(
        Trial(fault.promise, fault.name, again(partial(survives, fault), _EMIT), int(fault.daily), 5, 50)
        for fault in FAULTS
    ),
    Trial(4, "losses in a buffer that is too small", again(logs.losses_are_told, "at most {:.0f} lost"), 1, 20, 200),
    Trial(6, "poison in a field of every kind", again(poison.swallowed, "{:,.0f} events each time"), 1, 5, 50),
    Trial(7, "runs with ten forks and a spawn", again(writers.forks_and_spawns, "slowest child {:.2f} s"), 1, 5, 50),
    Trial(8, "SIGTERM", again(deaths.terminates, _TOOK), 0, 10, 100),
    Trial(8, "Ctrl-C twice", again(deaths.interrupts_twice, _TOOK), 1, 5, 50),
    Trial(8, "an exception of the trainer's", again(deaths.raises, _KEPT), 0, 5, 50),
    Trial(8, "an interpreter's end with a sink that hangs", again(deaths.exits_hung, _TOOK), 0, 2, 10),
    Trial(9, "kill -9", again(deaths.kills, _KEPT), 1, 30, 200),
    Trial(9, "os._exit", again(deaths.leaves_at_once, _KEPT), 1, 5, 50),
    Trial(9, "runs killed ten times and resumed", again(deaths.resumes_ten_times, _KEPT), 0, 2, 10),
    Trial(9, "eight writers of one directory", again(writers.two_writers), 1, 5, 50),
    Trial(9, "a collector killed under its trainer", again(chaos.collector), 0, 3, 20),
    Trial(9, "a trainer killed under its collector", again(chaos.trainer), 0, 3, 20),
    Trial(9, "both killed", again(chaos.both), 0, 3, 20),
    Trial(10, "events of a day of 24 hours", once(load.day), 2_000, 86_400, 864_000),
    Trial(10, "runs under one collector", once(load.many_collected), 2, 20, 100),
    Trial(12, "logs of other versions, and damaged ones", again(logs.other_versions_are_read), 1, 20, 200),
    *(
        Trial(12, f"inputs that nobody meant: {target}", inputs(target), 0, usual, 100 * usual)
        for target, usual in _MEANT_BY_NOBODY.items()
    ),
    Trial(13, "trainings, under one fault after another", training.untouched, 0, 8, 32),
)
