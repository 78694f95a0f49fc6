"""A process that trains nothing and tells of it in real events: `python -m tests.grafana.trainer ADDRESS PORT`.

It does what a line on its standard input says: `break` (losses are NaN from here on), `mend`, or `end`.
"""

import select
import sys
from math import nan

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.telemetry import LINGER, Telemetry
from nissa.sinks.prometheus import scrapers as visits
from tests.samples import episode_started, run_started

__all__ = ["main"]


def main(address: str, port: int) -> None:
    """Emit fifty batches a second until told to end."""
    # On a busy machine a scrape may be late by more than a second.
    visits.SLACK = LINGER
    with Telemetry("live", metrics=(address, port)) as telemetry:
        telemetry.emit(run_started())
        env = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        env.emit(episode_started())
        order, number = "mend", 0
        while order != "end":
            loss = nan if order == "break" else 1.0
            env.emit(BatchCompleted(batch=number, loss=loss, accuracy=50.0, host_grad_norm=1.0, seed_grad_norms={}))
            number += 1
            if select.select([sys.stdin], [], [], 0.02)[0]:
                order = sys.stdin.readline().strip()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
