"""May a job begin with these folders? Not where it would tell something twice, or read what it writes."""

import json
import os
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from nissa.pipeline.cluster.job import Asked

__all__ = ["UnsafeFoldersError", "restored", "running"]

_MARKER = "nissa.json"
_PATIENCE = 10.0
"""Seconds for an answer of the cluster's."""


class UnsafeFoldersError(ValueError):
    """Folders with which a job would lose something, or tell it twice; the message says what to do."""


def restored(job: Asked) -> Asked:
    """The job, told the checkpoint to go on from, if there is one; its folders are made, and marked as this job's.

    Raises UnsafeFoldersError.
    """
    _check_apart(job)
    marker, whose = job.checkpoints / _MARKER, {"logs": str(job.logs), "out": str(job.out)}
    job.checkpoints.mkdir(parents=True, exist_ok=True)
    if marker.exists() and (there := _read(marker)) != whose:
        raise UnsafeFoldersError(f"{job.checkpoints} is of another job: {there}")
    newest = _newest(job.checkpoints)
    if newest is None and any(job.out.glob("*/part-*")):
        raise UnsafeFoldersError(
            f"{job.out} holds what a job derived, and {job.checkpoints} no checkpoint of it: all would be told twice. "
            "Give its checkpoints, or another --out"
        )
    job.out.mkdir(parents=True, exist_ok=True)
    # By rename: whatever kills this process, the marker is whole.
    (fresh := marker.with_suffix(".tmp")).write_text(json.dumps(whose))
    fresh.replace(marker)
    return replace(job, restore=newest.as_uri() if newest else None)


def running(job: Asked) -> str | None:
    """The name of the job, if the cluster runs it already. Raises ConnectionError where nobody answers."""
    over = {"FINISHED", "CANCELED", "FAILED"}
    try:
        with urlopen(f"http://{job.jobmanager}/jobs/overview", timeout=_PATIENCE) as answer:
            jobs: list[dict[str, Any]] = json.load(answer)["jobs"]
        return next((each["name"] for each in jobs if each["name"] == job.name and each["state"] not in over), None)
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError) as error:
        what = str(error).strip()
        raise ConnectionError(f"{job.jobmanager}: this is no JobManager's REST that answers: {what}") from None


def _check_apart(job: Asked) -> None:
    if not job.logs.is_dir():
        raise UnsafeFoldersError(f"{job.logs}: there is no such folder")
    folders = {"--logs": job.logs, "--checkpoints": job.checkpoints, "--out": job.out}
    real = {name: Path(os.path.realpath(folder)) for name, folder in folders.items()}
    for name, folder in real.items():
        for other, outer in real.items():
            if name != other and folder.is_relative_to(outer):
                raise UnsafeFoldersError(f"{name} must not lie in {other}: {folder}")


def _read(marker: Path) -> Any:
    try:
        return json.loads(marker.read_text())
    except ValueError:
        return None


def _newest(checkpoints: Path) -> Path | None:
    """The last checkpoint that was completed; one that was not has no such file."""
    found = [(file.stat().st_mtime, file.parent) for file in checkpoints.glob("*/chk-*/_metadata")]
    return max(found)[1] if found else None
