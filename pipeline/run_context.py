"""What the process knows of itself: commit, versions, machine, generators, and how it computes. For `RunStarted`.

>>> run_started(base_seed=7).numerics == numerics()
True
"""

import hashlib
import os
import platform
import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from nissa.events.kinds import RunResumed, RunStarted

__all__ = ["completed", "git_commit", "hardware", "numerics", "rng_digests", "run_resumed", "run_started", "versions"]

_PACKAGES = ("nissa", "numpy", "torch")
_VARIABLES = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_CBWR", "PYTHONHASHSEED"),
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE"),
)
"""Variables of the environment by which the same program rounds or orders its sums in another way."""


def run_started(directory: str = ".", packages: Iterable[str] = _PACKAGES, **told: Any) -> RunStarted:
    """The start of a run, with what the process knows filled in, and the fields that are `told` by name.

    `directory` is where the trainer's repository is, and `packages` are those that the numbers depend on. Raises
    TypeError for a field that there is not.
    """
    known = {
        "git_commit": git_commit(directory),
        "rng_digests": rng_digests(),
        "versions": versions(packages),
        "hardware": hardware(),
        "numerics": numerics(),
    }
    return RunStarted(**known | told)


def completed(told: RunStarted) -> RunStarted:
    """The start of a run with what the process knows filled in where it is not told, but for the commit.

    To ask git for that takes a process, and an emission must not wait for one.
    """
    known = {"rng_digests": rng_digests, "versions": versions, "hardware": hardware, "numerics": numerics}
    found: dict[str, Any] = {name: ask() for name, ask in known.items() if not getattr(told, name)}
    return replace(told, **found)


def run_resumed(next_seq: int, torn: int, world_size: int | None) -> RunResumed:
    """This process goes on with a run, at event `next_seq`; `torn` bytes of a last line were cut off."""
    return RunResumed(
        last_seq=next_seq - 1 if next_seq else None,
        torn=torn,
        process=os.getpid(),
        versions=versions(),
        hardware=hardware(),
        numerics=numerics(),
        world_size=world_size,
    )


def git_commit(directory: str = ".") -> str | None:
    """Commit checked out in `directory`, with "-dirty" if tracked files differ from it; None outside of git."""

    def git(*words: str) -> str:
        # Without the lock of the index: it is the user's, and would stay behind where this is killed.
        command = ["git", "--no-optional-locks", "-C", directory, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def versions(packages: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str]:
    """Machine, system and cores; accelerator where torch is loaded already."""
    found = {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": str(os.cpu_count()),
    }
    if torch := sys.modules.get("torch"):
        found |= _accelerator(torch)
    return found


def _accelerator(torch: Any) -> dict[str, str]:
    """Where CUDA is not in use yet, nothing is told of it: to ask would begin that, and no child may use it then."""
    if torch.cuda.is_initialized():
        return {"accelerator": torch.cuda.get_device_name()}
    return {} if torch.version.cuda else {"accelerator": "none"}


def numerics() -> dict[str, str]:
    """What makes the same versions come to other numbers: variables that are set and, if it is loaded, torch's state.

    Instructions (AVX2, AVX512, ...) and threads decide in which order a sum is taken, and so how it rounds.
    """
    found = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if torch := sys.modules.get("torch"):
        found |= {
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "threads": str(torch.get_num_threads()),
            "interop_threads": str(torch.get_num_interop_threads()),
            "deterministic": str(torch.are_deterministic_algorithms_enabled()),
            "cudnn_deterministic": str(torch.backends.cudnn.deterministic),
            "cudnn_benchmark": str(torch.backends.cudnn.benchmark),
            "cudnn_tf32": str(torch.backends.cudnn.allow_tf32),
            "matmul_precision": torch.get_float32_matmul_precision(),
            "default_dtype": str(torch.get_default_dtype()),
        }
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
