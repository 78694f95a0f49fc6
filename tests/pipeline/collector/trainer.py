"""A small trainer with a collector, to be killed: `python -m tests.pipeline.collector.trainer OUT [EPOCHS [PORT]]`.

Prints, line by line, "collector PID", "metrics URL", and "flushed N" after each epoch; waits for nobody.
"""

import sys
import time
from itertools import count
from pathlib import Path

from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import configured
from tests.pipeline.collector.runs import tell_epoch

__all__ = ["main"]


def main(out: Path, epochs: int | None = None, port: int | None = None) -> None:
    """Train for so many epochs, or for ever."""
    with Telemetry("run", out=out, collector="process", metrics=port, resume=True, linger=0.0) as telemetry:
        collector = telemetry._collector
        assert collector
        say("collector", collector.pid)
        say("metrics", telemetry.metrics_url)
        telemetry.emit(configured(mode="adaptive", dense_budget=1.0))
        for epoch in count(1) if epochs is None else range(1, epochs + 1):
            for env in range(3):
                tell_epoch(telemetry, env, epoch)
                time.sleep(0.01)
            telemetry._hub.flush(60.0)
            say("flushed", telemetry._hub.following)


def say(*words: object) -> None:
    """A line that is out at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
