"""`nissa cluster run`: the job itself, in this process or on a cluster that is there already."""

import argparse
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, at_least
from nissa.pipeline.cluster import Asked, UnsafeFoldersError, restored, run_job, running

__all__ = ["add"]

_NO_FLINK = (
    "Flink is not installed in this environment: `make cluster` makes one with it, and "
    "`.venv-cluster/bin/nissa cluster run` runs there"
)
_NO_JAVA = "Flink needs Java 17: `apt-get install openjdk-17-jre-headless`, or set JAVA_HOME"


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("run", help="derive what follows from all runs below a folder, each event once")
    parser.add_argument("--logs", required=True, metavar="DIR", help="the folder that the runs are below")
    parser.add_argument("--checkpoints", required=True, metavar="DIR", help="where the job keeps how far it is")
    parser.add_argument("--out", required=True, metavar="DIR", help="where what is derived goes")
    parser.add_argument("--tasks", type=at_least(1), default=1, metavar="N", help="tasks side by side (1)")
    parser.add_argument("--interval", type=float, default=1.0, metavar="S", help="seconds between checkpoints (1)")
    parser.add_argument("--jobmanager", metavar="HOST:PORT", help="REST of a cluster to hand the job to")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("pyflink") is None:
        raise UsageError(_NO_FLINK)
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise UsageError(_NO_JAVA)
    if arguments.interval < 0.1:
        raise UsageError("--interval must be at least 0.1 s")
    logs, checkpoints, out = map(_folder, (arguments.logs, arguments.checkpoints, arguments.out))
    job = _safe(Asked(logs, checkpoints, out, arguments.tasks, arguments.interval, arguments.jobmanager))
    where = arguments.jobmanager or "this process; Ctrl-C ends it, and the same command goes on"
    sys.stderr.write(f"Following the runs below {job.logs} in {where}.\n")
    told = run_job(job)
    if arguments.jobmanager:
        sys.stdout.write(f"{told}\n")
    return 0


def _safe(job: Asked) -> Asked:
    try:
        if job.jobmanager and (name := running(job)):
            raise UsageError(f"{job.jobmanager} runs this job already: {name}")
        return restored(job)
    except (UnsafeFoldersError, ConnectionError) as error:
        raise UsageError(error) from None


def _folder(text: str) -> Path:
    if "://" in text:
        raise UsageError(
            f"{text}: only folders that every machine has under the same name; an object store shows no line before "
            "its file is whole, and knows no rename"
        )
    return Path(text).absolute()
