"""What the process knows of itself: commit, versions, machine, generators. For `RunStarted`."""

import hashlib
import os
import platform
import random
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

__all__ = ["git_commit", "hardware", "rng_digests", "versions"]


def git_commit(directory: str = ".") -> str | None:
    """Commit checked out in `directory`, with "-dirty" if tracked files differ from it; None outside of git."""

    def git(*words: str) -> str:
        command = ["git", "-C", directory, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def versions(packages: Iterable[str] = ("nissa", "numpy", "torch")) -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str]:
    """Machine, system, processor and cores; threads and accelerator where torch is loaded already."""
    found = {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": str(os.cpu_count()),
    }
    if torch := sys.modules.get("torch"):
        found["torch_threads"] = str(torch.get_num_threads())
        found["accelerator"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return found


def rng_digests() -> dict[str, str]:
    """SHA-256 of the state of each global generator that is loaded; reading it draws nothing."""
    states = {"python": repr(random.getstate()).encode()}
    if numpy := sys.modules.get("numpy"):
        states["numpy"] = repr(
            [part if isinstance(part, str | int | float) else part.tobytes() for part in numpy.random.get_state()]
        ).encode()
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return {name: hashlib.sha256(state).hexdigest() for name, state in states.items()}
