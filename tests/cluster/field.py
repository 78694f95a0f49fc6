"""Where the trials are made: one cluster, one job for all of them, and writers of runs that it follows."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from tests.cluster.judging import Judged, judge, latencies, lines_of, longest_silence
from tests.cluster.processes import ROOT, Cluster, until
from tests.cluster.writers import Spec

__all__ = ["Field"]

NISSA = ROOT / ".venv-cluster" / "bin" / "nissa"
_PATIENCE = 240.0
"""Seconds after the last byte after which a run stands still."""


class Field:
    """`out` and `checkpoints` are small file systems in memory where that may be had, so that they can be filled."""

    def __init__(self, folder: Path, log: Path, runs: int = 4) -> None:
        self.folder, self.log, self.runs = folder, log, runs
        self.logs, self.out, self.checkpoints = folder / "logs", folder / "out", folder / "checkpoints"
        self.cluster = Cluster(folder / "flink", slots=2)
        self.mounted: list[Path] = []
        self.latencies: list[float] = []
        for place in (self.logs, self.out, self.checkpoints):
            place.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            for place in (self.out, self.checkpoints):
                words = ["mount", "-t", "tmpfs", "-o", "size=1g", "none", str(place)]
                if subprocess.run(words, check=False).returncode == 0:
                    self.mounted.append(place)

    def submit(self, tasks: int = 2) -> None:
        words: list[str | Path] = ["--logs", self.logs, "--checkpoints", self.checkpoints, "--out", self.out]
        words += ["--tasks", str(tasks), "--jobmanager", self.cluster.rest]
        with (self.folder / "submit.log").open("ab") as told:
            subprocess.run(["nice", "-n", "5", NISSA, "cluster", "run", *words], check=True, stderr=told, stdout=told)
        if not until(self.cluster.is_running):
            raise TimeoutError("the job does not run")

    def write(self, trial: str, spec: Spec) -> dict[str, "subprocess.Popen[bytes]"]:
        """Begin to write the runs of a trial, each in a process of its own."""
        return {
            run: self.writer(run, replace(spec, name=f"{trial}-{n}"))
            for n in range(self.runs)
            if (run := f"{trial}/{trial}-{n}")
        }

    def writer(self, run: str, spec: Spec) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "tests.cluster.writers", self.log, self.logs / run, json.dumps(asdict(spec))]
        return subprocess.Popen(["nice", "-n", "2", *map(str, words)], cwd=ROOT)

    def ended(self, runs: list[str]) -> bool:
        told = {json.loads(line)["run"] for line in lines_of(self.out, "summaries")}
        return told >= set(runs)

    def judged(self, runs: list[str]) -> Judged:
        """Once all of them have ended, or nothing comes any more."""
        until(lambda: self.ended(runs), _PATIENCE)
        time.sleep(1.5)
        return judge(self.logs, self.out, runs)

    def silence(self, begin: float) -> float:
        return longest_silence(self.out, begin)

    def measure(self, runs: list[str], begin: float) -> None:
        self.latencies = latencies(self.logs, self.out, runs, begin)

    def fill(self, place: Path) -> Path:
        """All that is free. Raises OSError where it is no small file system, as without the rights of root."""
        if place not in self.mounted:
            raise PermissionError("not tried: it needs the rights of root")
        ballast = place / ".ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass
        return ballast

    def close(self) -> None:
        self.cluster.stop()
        for place in self.mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)
