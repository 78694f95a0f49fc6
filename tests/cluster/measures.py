"""What is tried and measured in Flink's MiniCluster: `python -m tests.cluster.measures RUN`, where RUN is a demo.

ranks         what follows for a job of four ranks is what one process derives
dead          so it is where one of them died, and nobody has anything more to tell
contract      on the logs that each engine is tried on, it derives what a plain loop does
conformance   all that operators derive, and the summary, equal those of a replay
again         the command, killed and given again, goes on from its last checkpoint
mutation      with the place left out of the state, a killed worker doubles lines; with it, none
bounded       of 10,000 runs of which 9,900 ended, how large is a checkpoint?
throughput    CPU of the engine beside that of a collector, on the same logs
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster.costs import bounded, throughput
from tests.cluster.exactness import again, conformance, contract, dead, mutation, ranks
from tests.cluster.processes import ROOT

__all__ = ["main"]

MEASURES: dict[str, Callable[[Path, Path], str]] = {
    "contract": contract,
    "conformance": conformance,
    "again": again,
    "ranks": ranks,
    "dead": dead,
    "mutation": mutation,
    "bounded": bounded,
    "throughput": throughput,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.measures", description=__doc__)
    parser.add_argument("run", type=Path, help="a recorded demo")
    parser.add_argument("names", nargs="*", help="all, if none is given")
    asked = parser.parse_args()
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in asked.names or MEASURES:
        folder = Path(tempfile.mkdtemp(prefix="nissa-cluster-"))
        try:
            told = MEASURES[name](folder, asked.run / "events-000001.jsonl")
            sys.stdout.write(f"{name}: {told} (load {os.getloadavg()[0]:.0f})\n")
            sys.stdout.flush()
        finally:
            (ROOT / "build" / "cluster").mkdir(parents=True, exist_ok=True)
            if (folder / "mini.log").exists():
                shutil.copy(folder / "mini.log", ROOT / "build" / "cluster" / f"{name}.log")
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
