"""`python -m tests.fuzz [TARGET...] [--share 1]`: inputs by the million, led by what code they reach.

Needs atheris (`make fuzz` installs it). What is new to a target is kept in `--keep DIR/TARGET`; an input that ends in
anything but a plain refusal is written there as `crash-...`, and the status is 1.
"""

import argparse
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from tests.fuzz.corpus import seeds

_COUNTS = {"codec": 1_000_000, "log": 1_000_000, "esper": 1_000_000, "config": 1_000_000}
_SLOW = 20_000
"""Inputs where each needs a database, a pack, or a connection."""
_LIMITS = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"]


def _fuzz(target: str, runs: int, keep: Path) -> int:
    """Feed one target, in this process, which atheris ends."""
    atheris = import_module("atheris")

    with atheris.instrument_imports(include=["nissa"]):
        from tests.fuzz.targets import TARGETS

    folder = keep / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup([target, f"-runs={runs}", f"-artifact_prefix={folder}/", *_LIMITS, str(folder)], TARGETS[target])
    atheris.Fuzz()
    return 0


def main() -> int:
    """Feed each target in a process of its own; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=["codec", "log", "esper", "config", "query", "pack", "scrape"])
    parser.add_argument("--share", type=float, default=0.01, help="of the inputs of a whole run (0.01)")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), metavar="DIR")
    parser.add_argument("--inside", type=int, metavar="RUNS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return _fuzz(arguments.targets[0], arguments.inside, arguments.keep)
    failed = []
    arguments.keep.mkdir(parents=True, exist_ok=True)
    for target in arguments.targets:
        runs, begun = round(_COUNTS.get(target, _SLOW) * arguments.share), time.monotonic()
        command = [sys.executable, "-m", "tests.fuzz", target, "--inside", str(runs), "--keep", str(arguments.keep)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        (arguments.keep / f"{target}.txt").write_text(done.stdout + done.stderr)
        told = "ok" if done.returncode == 0 else f"FAILED: see {arguments.keep / target}.txt"
        print(f"{target:8} {runs:9,} inputs {time.monotonic() - begun:7.0f} s  {told}", flush=True)
        failed += [target] if done.returncode else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
