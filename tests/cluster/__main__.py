"""`make test-cluster`: trials on real processes, one after another, and a table of what came of them.

What `--log RUN` names is recorded anew otherwise, by a demo. Ends with status 1 if anything did not hold.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.cluster.field import Field
from tests.cluster.judging import Judged
from tests.cluster.processes import ROOT
from tests.cluster.trials import TRIALS, Trial

__all__ = ["main"]

_KEPT = ROOT / "build" / "cluster"
_LINES = 8700
"""Lines of a run: 5 MB, so that a state of each is kept before it is written live."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--log", type=Path, metavar="RUN", help="a recorded demo")
    parser.add_argument("words", nargs="*", help="only trials with one of these words in their names")
    asked = parser.parse_args()
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="nissa-cluster-"))
    field = Field(folder, _log(asked.log, folder))
    try:
        field.cluster.start_all()
        field.submit()
        return _made(field, [t for t in TRIALS if not asked.words or any(word in t.name for word in asked.words)])
    finally:
        field.close()
        shutil.copytree(folder / "flink", _KEPT, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ha", "zookeeper"))
        shutil.rmtree(folder, ignore_errors=True)


def _made(field: Field, trials: list[Trial]) -> int:
    _say(f"CPython {platform.python_version()}, {os.cpu_count()} cores, {field.runs} runs a trial\n")
    _say("| trial | lines | missing | doubled | stand still | restored | longest silence, s | took, s | load |")
    _say("|---|---|---|---|---|---|---|---|---|")
    wrong = 0
    for number, trial in enumerate(trials):
        judged = _trial(field, trial, f"t{number:02}")
        wrong += not judged.holds
    counts = field.latencies
    if counts:
        shown = [f"{counts[int(len(counts) * share)]:.2f}" for share in (0.5, 0.9, 0.99)]
        told = f"{', '.join(shown)} s (p50, p90, p99), of {len(counts):,} lines that follow from live events"
        _say(f"\nWithout a fault, from the event to the file that shows: {told}.")
    _say(f"\n{len(trials)} trials, {wrong} of them wrong.")
    return bool(wrong)


def _trial(field: Field, trial: Trial, name: str) -> Judged:
    begun = time.time()
    spec = replace(trial.spec, most=8000, torn=True) if trial.resumed else trial.spec
    writers = field.write(name, spec)
    time.sleep(12.0)
    struck, before = time.time(), field.cluster.restored()
    try:
        trial.fault(field)
        note = ""
    except (OSError, LookupError) as error:
        note = f" ({error})"
    for writer in writers.values():
        writer.wait()
    if trial.resumed:
        more = replace(trial.spec, first=0, begin=7999)
        again = [field.writer(run, replace(more, name=run.rpartition("/")[2])) for run in writers]
        for writer in again:
            writer.wait()
    judged = field.judged(list(writers))
    if trial.name == "no fault":
        field.measure(list(writers), struck)
    silence, took = field.silence(struck), time.time() - begun
    times = field.cluster.restored() - before
    counts = (judged.expected, judged.missing, judged.doubled, len(judged.standing), times)
    cells = (*counts, f"{silence:.1f}", f"{took:.0f}")
    odd = f"; {judged.summaries} summaries differ" if judged.summaries else ""
    _say(f"| {trial.name}{note}{odd} | {' | '.join(map(str, cells))} | {os.getloadavg()[0]:.0f} |")
    return judged


def _log(given: Path | None, folder: Path) -> Path:
    """The lines of a demo, cut off and ended."""
    run = given or folder / "demo"
    if not given:
        words = [sys.executable, "-m", "nissa.cli.main", "demo", "--no-color", "--out", str(run)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    lines = (run / "events-000001.jsonl").read_bytes().splitlines(keepends=True)
    end = next(line for line in lines if b'"kind":"run_ended"' in line)
    (log := folder / "log.jsonl").write_bytes(b"".join([*lines[: _LINES - 1], end]))
    return log


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
