"""What does a JobManager say of a job? Whether it runs, which checkpoints failed, how often it was started again."""

import json
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

__all__ = ["JobManager", "JobReport"]

_PATIENCE = 5.0
"""Seconds for an answer."""
_LONGEST = 1 << 24
"""Bytes of an answer that are read."""


class JobReport(NamedTuple):
    """A job as its manager told it."""

    running: bool
    checkpoints_failed: int
    restarts: int | None
    """None where that is not gathered yet, as of whoever is asked for the first time."""


class JobManager:
    """Asks the REST of a JobManager for the job with a name."""

    def __init__(self, url: str, job: str) -> None:
        self._url, self._job = url.rstrip("/"), job

    def report(self) -> JobReport | None:
        """None where nobody answers, the answer is none of a JobManager's, or it knows no such job."""
        try:
            jobs = [job for job in self._ask("/jobs/overview")["jobs"] if job["name"] == self._job]
            if not jobs:
                return None
            job = max(jobs, key=lambda job: (job["state"] == "RUNNING", job["start-time"]))
            path = f"/jobs/{quote(job['jid'], safe='')}"
            failed = int(self._ask(f"{path}/checkpoints")["counts"]["failed"])
            told = [int(row["value"]) for row in self._ask(f"{path}/metrics?get=numRestarts")]
            return JobReport(job["state"] == "RUNNING", failed, told[0] if told else None)
        except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError):
            # An address that is none, a page that is none of Flink's or no HTTP, an answer that breaks off.
            return None

    def _ask(self, path: str) -> Any:
        with urlopen(f"{self._url}{path}", timeout=_PATIENCE) as answer:
            return json.loads(answer.read(_LONGEST))
