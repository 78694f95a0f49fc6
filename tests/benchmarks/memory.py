"""Memory over ten million events: what the process holds must not grow with what has passed through it."""

import os
import tempfile
from pathlib import Path

from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.workload import mix

__all__ = ["run"]

MILLIONS = 10
_MIB = 1 << 20


def run() -> None:
    """Resident memory after each million events, all operators and sinks on; old segments of the log are removed."""
    held = [_resident()]
    with tempfile.TemporaryDirectory() as directory:
        out, story = Path(directory) / "run", mix(2_000)
        with Telemetry("bench", out=out) as telemetry:
            emitter, sent, episodes = telemetry.scope(group="ppo", env=0), 0, 0
            while len(held) <= MILLIONS:
                for episode, epoch, payload in story:
                    emitter.move(episode=episodes + episode, epoch=epoch)
                    emitter.emit(payload)
                    sent += 1
                    if sent % 20_000 == 0:
                        assert telemetry.flush(60)
                    if sent % 1_000_000 == 0:
                        held.append(_resident())
                        for segment in segments(out)[:-1]:
                            segment.unlink()
                episodes += 50
            dropped = sum(telemetry.state().dropped.values())
    report(
        f"Memory over {MILLIONS} million events ({dropped:,} dropped)",
        [
            Figure("resident before the first event", held[:1], "MiB"),
            Figure("resident after 1 million", held[1:2], "MiB"),
            Figure(f"resident after {MILLIONS} million", held[-1:], "MiB"),
            Figure("growth from the 2nd million to the last", [held[-1] - held[2]], "MiB", "aim: flat"),
        ],
    )


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
