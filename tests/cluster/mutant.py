"""The job with a mutation: the place is left out of Flink's state, and kept in the worker's memory only.

`python mutant.py LOGS CHECKPOINTS OUT` in `.venv-cluster`; what is defined here travels to the workers by value.
"""

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from nissa.pipeline.cluster import Asked, job, restored, run_job
from nissa.pipeline.cluster.steps import follow_run


def forgetful(logs: str) -> Any:
    """`follow_run`, whose places die with the worker."""
    step = follow_run(logs)

    class Forgetful(type(step)):  # type: ignore[misc]
        def open(self, runtime_context: Any) -> None:
            super().open(runtime_context)
            self.place = self
            self.places: dict[str, bytes] = {}

        def process_element(self, value: Any, ctx: Any) -> Any:
            self.run = value[0]
            yield from super().process_element(value, ctx)

        def value(self) -> bytes | None:
            return self.places.get(self.run)

        def update(self, place: bytes) -> None:
            self.places[self.run] = place

    return Forgetful()


if __name__ == "__main__":
    logs, checkpoints, out = map(Path, sys.argv[1:])
    with patch.object(job, "follow_run", forgetful):
        run_job(restored(Asked(logs, checkpoints, out)))
