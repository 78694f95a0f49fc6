"""Runs that are written while a cluster follows them: a recorded log under another name, in segments, at some rate.

`python -m tests.cluster.writers LOG OUT SPEC` with SPEC as JSON; a process of its own, so that it can be killed.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from nissa.sinks.run_log import cut_torn_line, segments

__all__ = ["Spec", "write"]


@dataclass
class Spec:
    """How a run is written."""

    name: str
    first: int = 0
    """Lines that are there at once, from `begin` on."""
    rate: float = 60.0
    """Lines a second after that."""
    begin: int = 0
    """The line with which to begin: a run that is resumed goes on behind what is there."""
    most: int = 1 << 30
    """The line before which to stop."""
    rotate: int = 1500
    """Lines of a segment."""
    torn: bool = False
    """Whether to die in the middle of the last line."""
    pause: float = 0.0
    """Seconds to stop in the middle of a line, once, half way."""
    aside: int = 0
    """Number of a segment that is put aside once it is complete, and put back ten seconds later."""


def write(log: Path, out: Path, spec: Spec) -> dict[int, float]:
    """Write it; when each event was that was written live, by its number."""
    old = json.loads(log.open("rb").readline())["run"]
    lines = [line.replace(f'"run":"{old}"'.encode(), f'"run":"{spec.name}"'.encode(), 1) for line in log.open("rb")]
    out.mkdir(parents=True, exist_ok=True)
    number, times, back = len(segments(out)), dict[int, float](), 0.0
    if number:
        cut_torn_line(segments(out)[-1])
    file = begun = None
    last = min(spec.most, len(lines))
    start = time.monotonic()
    for at in range(spec.begin, last):
        if file is None or (at - spec.begin) % spec.rotate == 0:
            number += 1
            # As the run log does: the next segment is there before the last one is left.
            begun, file = file, os.open(out / f"events-{number:06}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            if begun is not None:
                os.close(begun)
            if spec.aside and number == spec.aside + 1:
                (out / f"events-{spec.aside:06}.jsonl").rename(out / "aside")
                back = time.monotonic() + 10.0
        line = lines[at]
        live = at - spec.begin - spec.first
        if live >= 0:
            while live > (time.monotonic() - start) * spec.rate:
                time.sleep(0.05)
        if spec.pause and at == (spec.begin + spec.first + last) // 2:
            os.write(file, line[: len(line) // 2])
            time.sleep(spec.pause)
            line = line[len(line) // 2 :]
        if spec.torn and at == last - 1:
            os.write(file, line[: len(line) // 2])
            os.kill(os.getpid(), 9)
        os.write(file, line)
        if live >= 0 and b'"ordinal":' not in line and b'"seq":' in lines[at]:
            times[json.loads(lines[at])["seq"]] = time.time()
        if back and time.monotonic() > back:
            (out / "aside").rename(out / f"events-{spec.aside:06}.jsonl")
            back = 0.0
    if back:
        time.sleep(max(0.0, back - time.monotonic()))
        (out / "aside").rename(out / f"events-{spec.aside:06}.jsonl")
    return times


if __name__ == "__main__":
    told = write(Path(sys.argv[1]), Path(sys.argv[2]), Spec(**json.loads(sys.argv[3])))
    (Path(sys.argv[2]) / "times.json").write_text(json.dumps(told))
