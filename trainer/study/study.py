"""Is it worth growing? Policies against hosts alone, of the same start and of the same size, over several seeds."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from nissa.trainer.study.repetition import Repetition, repeat
from nissa.trainer.study.report import StudyReport, reported
from nissa.trainer.study.settings import StudySettings

__all__ = ["run_study"]


def run_study(
    settings: StudySettings, out: Path | None = None, workers: int = 1, done: Callable[[int], object] | None = None
) -> StudyReport:
    """Train and judge each seed, several at once in `workers` processes, and say what came of it all.

    The runs are written to folders under `out`, if given. `done` is called with each seed, in turn. How many workers
    there are changes no figure. Raises OSError if a run cannot be written.
    """
    repetitions = []
    with _mapping(min(workers, settings.seeds)) as each:
        for seed, repetition in enumerate(each(partial(repeat, settings, out=out), range(settings.seeds))):
            repetitions.append(repetition)
            if done:
                done(seed)
    return reported(settings, repetitions)


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[..., Iterator[Repetition]]]:
    if workers == 1:
        yield map
        return
    # Started anew and not forked: torch and the threads of telemetry do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map
