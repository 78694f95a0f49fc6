"""The steps of the job, as Flink's Python workers run them: thin, for all that they do is done elsewhere.

Flink is loaded where it runs only, so its classes are made inside.
"""

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from nissa.pipeline.cluster.job_ranks import Jobs
from nissa.pipeline.cluster.live_runs import LiveRuns
from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.visit import MOST, Visitor
from nissa.pipeline.rank import rank_in

__all__ = ["OF_JOB", "SIDES", "compare_jobs", "follow_run", "list_runs"]

OF_JOB = "of job"
"""What is passed on to the comparison of ranks."""
SIDES = ("progress", "summaries", "problems")
"""What comes out beside the derived lines, each in a folder of its own."""


def list_runs(logs: str, budget: int) -> Any:
    """The step from a tick to the runs that are to be looked at, each with the time of the tick."""
    from pyflink.datastream.functions import FlatMapFunction  # noqa: PLC0415

    class ListRuns(FlatMapFunction):
        def open(self, runtime_context: Any) -> None:  # noqa: ARG002
            self.runs = LiveRuns(Path(logs), MOST, budget)

        def flat_map(self, value: Any) -> Iterator[tuple[str, float]]:  # noqa: ARG002
            now = time.time()
            for run in self.runs.tick():
                yield run, now

    return ListRuns()


def follow_run(logs: str) -> Any:
    """The step from a look at a run to what follows from what is new of it; its state is that run's."""
    from pyflink.common import Types  # noqa: PLC0415
    from pyflink.datastream import OutputTag  # noqa: PLC0415
    from pyflink.datastream.functions import KeyedProcessFunction  # noqa: PLC0415
    from pyflink.datastream.state import ValueStateDescriptor  # noqa: PLC0415

    class FollowRun(KeyedProcessFunction):
        def open(self, runtime_context: Any) -> None:
            self.visitor = Visitor(Path(logs))
            self.place = runtime_context.get_state(ValueStateDescriptor("place", Types.PICKLED_BYTE_ARRAY()))
            self.state = runtime_context.get_state(ValueStateDescriptor("state", Types.PICKLED_BYTE_ARRAY()))
            self.tags = {side: OutputTag(side, Types.STRING()) for side in SIDES}
            self.of_job = OutputTag(OF_JOB, Types.PICKLED_BYTE_ARRAY())

        def process_element(self, value: tuple[str, float], ctx: Any) -> Iterator[Any]:  # noqa: ARG002
            run, asked = value
            if self.visitor.has_seen(run, asked):
                return
            of_job = yield from self.look(run)
            job, _, name = run.rpartition("/")
            if of_job or rank_in(name) is not None:
                # Also where nothing is new: others wait for this rank, and not for ever.
                yield self.of_job, (job, run, of_job)

        def look(self, run: str) -> Generator[Any, None, list[bytes]]:
            looked = self.visitor.look(run, Place.load(self.place.value()), self.state.value)
            if not looked:
                return []
            self.place.update(looked.place.dump())
            if looked.place.freed:
                self.state.clear()
            elif looked.state:
                self.state.update(looked.state)
            if looked.derived:
                yield _together(looked.derived)
            for side, tag in self.tags.items():
                if told := getattr(looked, side):
                    yield tag, _together(told)
            return looked.of_job

    return FollowRun()


def compare_jobs() -> Any:
    """The step from lines of the ranks of a job to what follows for the job; its state is that job's."""
    from pyflink.common import Types  # noqa: PLC0415
    from pyflink.datastream.functions import KeyedProcessFunction  # noqa: PLC0415
    from pyflink.datastream.state import ValueStateDescriptor  # noqa: PLC0415

    class CompareJobs(KeyedProcessFunction):
        def open(self, runtime_context: Any) -> None:
            self.jobs = Jobs()
            self.state = runtime_context.get_state(ValueStateDescriptor("job", Types.PICKLED_BYTE_ARRAY()))

        def process_element(self, value: tuple[str, str, list[bytes]], ctx: Any) -> Iterator[Any]:  # noqa: ARG002
            before = self.state.value()
            kept, told = self.jobs.take(value[0], before, *value[1:])
            if kept is not before:
                self.state.update(kept)
            if told:
                yield _together(told)

    return CompareJobs()


def _together(lines: list[bytes]) -> str:
    """Lines as one element; the sink ends the last."""
    return "\n".join(line.decode().removesuffix("\n") for line in lines)
