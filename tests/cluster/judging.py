"""What came out of a job, against each run's own replay: multisets of lines, so that each is there once."""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from nissa.events.codec import written
from nissa.pipeline.replay import replay

__all__ = ["Judged", "judge", "latencies", "lines_of", "longest_silence"]


@dataclass
class Judged:
    expected: int = 0
    missing: int = 0
    doubled: int = 0
    standing: list[str] = field(default_factory=list)
    """Runs that ended, and whose end was not told."""
    summaries: int = 0
    """Runs whose summary counts something else than their replay."""

    @property
    def holds(self) -> bool:
        return not (self.missing or self.doubled or self.standing or self.summaries) and self.expected > 0


def lines_of(out: Path, side: str) -> list[bytes]:
    """All lines that show, those of one task in their order; names with a dot in front are unfinished."""
    files = sorted((out / side).glob("part-*"), key=lambda file: (len(file.name), file.name))
    return [line for file in files for line in file.read_bytes().splitlines()]


def judge(logs: Path, out: Path, runs: list[str]) -> Judged:
    """`runs` are directories relative to `logs`, whose last parts are the names of the runs."""
    judged, names = Judged(), {run.rpartition("/")[2]: run for run in runs}
    got = Counter(line for line in lines_of(out, "derived") if json.loads(line)["run"] in names)
    expected = Counter[bytes]()
    told = {summary["run"]: summary for summary in map(json.loads, lines_of(out, "summaries"))}
    for run in runs:
        result = replay(logs / run, [lambda event: expected.update([written(event)[:-1]]) if event.ordinal else None])
        if run not in told:
            judged.standing.append(run)
            continue
        # The directory of a trial has no manifest, which only a replay asks for.
        counts = result.reading.summary() | {"problems": []}
        judged.summaries += told[run]["events"] | {"problems": []} != json.loads(json.dumps(counts))
    judged.expected = expected.total()
    judged.missing, judged.doubled = (expected - got).total(), (got - expected).total()
    return judged


def longest_silence(out: Path, begin: float) -> float:
    """Seconds from a moment to the next file of derived lines that shows, or between two of them, at most."""
    shown = sorted(file.stat().st_ctime for file in (out / "derived").glob("part-*"))
    times = [begin, *(time for time in shown if time > begin)]
    return max((after - before for before, after in pairwise(times)), default=float("inf"))


def latencies(logs: Path, out: Path, runs: list[str], begin: float) -> list[float]:
    """Seconds from the writing of an event, after a moment, to the file that shows what was derived from it, sorted."""
    times = {run.rpartition("/")[2]: json.loads((logs / run / "times.json").read_text()) for run in runs}
    found = []
    for file in (out / "derived").glob("part-*"):
        shown = file.stat().st_ctime
        for line in map(json.loads, file.read_bytes().splitlines()):
            begun = times.get(line["run"], {}).get(str(line["cause"]))
            if begun and begun > begin:
                found.append(shown - begun)
    return sorted(found)
