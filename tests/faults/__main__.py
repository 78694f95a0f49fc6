"""`make faults`: every trial, and one table of what came of it; `--long` for the full counts, then words of names.

Ends with status 1 if anything did not hold.
"""

import argparse
import os
import platform
import random
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version

from tests.faults.trial import Outcome, Trial
from tests.faults.trials import PROMISES, TRIALS

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Make the trials; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="as often as the documents say: hours")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("words", nargs="*", help="only trials with one of these words in their names")
    asked = parser.parse_args(arguments)
    _say(f"Nissa {version('nissa')}, CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    _say("\n| promise | trial | times | wrong | figure | s |\n|---|---|---|---|---|---|")
    chance, wrong = random.Random(asked.seed), list[str]()
    for trial in sorted(TRIALS, key=lambda trial: trial.promise):
        if not asked.words or any(word in trial.name for word in asked.words):
            begun = time.monotonic()
            outcome = trial.run(trial.long if asked.long else trial.usual, chance)
            _say(_row(trial, outcome, time.monotonic() - begun))
            wrong += [f"{trial.name}: {what}" for what in outcome.wrong]
    _say("\n" + "\n".join(wrong) if wrong else "\nAll held.")
    return bool(wrong)


def _row(trial: Trial, outcome: Outcome, took: float) -> str:
    promise = f"{trial.promise}. {PROMISES[trial.promise]}"
    cells = (promise, trial.name, f"{outcome.times:,}", str(len(outcome.wrong)), outcome.figure, f"{took:.0f}")
    return f"| {' | '.join(cells)} |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
