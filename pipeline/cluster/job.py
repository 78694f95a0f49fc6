"""The job: ticks, the runs at each, a look at each run, and files of what follows, which are whole or not there.

The ticks come from a source of Flink's own that keeps no state, and ends never: what it has told before does not
matter, and a tick that is lost is made good by the next one.
"""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nissa.pipeline.cluster.steps import OF_JOB, SIDES, compare_jobs, follow_run, list_runs

__all__ = ["Asked", "build", "job_name", "run_job"]

_LOOKS = 64
"""Looks a tick and task that are spent on what was left behind: about a second of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the job is to do."""

    logs: Path
    checkpoints: Path
    out: Path
    tasks: int = 1
    """Tasks that look at runs side by side."""
    interval: float = 1.0
    """Seconds between two checkpoints, with each of which what is derived shows."""
    jobmanager: str | None = None
    """"host:port" of a cluster's REST; None: all within this process."""
    restore: str | None = None
    """The checkpoint to go on from."""

    @property
    def name(self) -> str:
        """What the job is called in the cluster."""
        return job_name(self.out)


def job_name(out: Path) -> str:
    """What the job that writes there is called in a cluster."""
    return f"nissa {out}"


def run_job(asked: Asked) -> Any:
    """Run the job in this process, until it is stopped; or hand it to a cluster, and return its number there."""
    environment = _environment(asked)
    build(environment, asked)
    if asked.jobmanager:
        return environment.execute_async(asked.name).get_job_id()
    return environment.execute(asked.name)


def _environment(asked: Asked) -> Any:
    from pyflink.common import Configuration  # noqa: PLC0415
    from pyflink.datastream import StreamExecutionEnvironment  # noqa: PLC0415
    from pyflink.java_gateway import get_gateway  # noqa: PLC0415

    configuration = Configuration()
    for name, value in _settings(asked).items():
        configuration.set_string(name, value)
    if not asked.jobmanager:
        return StreamExecutionEnvironment.get_execution_environment(configuration)
    # Where Flink's own launcher is not in between, an environment is of this process.
    host, _, port = asked.jobmanager.rpartition(":")
    gateway = get_gateway()
    jars = gateway.new_array(gateway.jvm.String, 1)
    jars[0] = _flink_python()
    remote = gateway.jvm.org.apache.flink.streaming.api.environment.RemoteStreamEnvironment
    return StreamExecutionEnvironment(remote(host, int(port), configuration._j_configuration, jars))


def _settings(asked: Asked) -> dict[str, str]:
    told = {
        "execution.runtime-mode": "STREAMING",
        "execution.checkpointing.interval": f"{int(asked.interval * 1000)} ms",
        "execution.checkpointing.min-pause": f"{int(asked.interval * 200)} ms",
        "execution.checkpointing.timeout": "10 min",
        "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
        "execution.checkpointing.dir": asked.checkpoints.as_uri(),
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "2",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "2147483647",
        "restart-strategy.fixed-delay.delay": "1 s",
        "parallelism.default": str(asked.tasks),
        "pipeline.max-parallelism": "128",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        # Output waits for no further element.
        "python.fn-execution.bundle.time": "100",
        "python.fn-execution.bundle.size": "100",
        # What Flink adds of its own goes nowhere else.
        "python.metric.enabled": "false",
    }
    if asked.restore:
        told |= {"execution.state-recovery.path": asked.restore, "execution.state-recovery.claim-mode": "CLAIM"}
    return told


def _flink_python() -> str:
    """What runs Python in a TaskManager: it lies beside Flink, and not on its path."""
    (place,) = spec.submodule_search_locations or [] if (spec := find_spec("pyflink")) else []
    return str(next(Path(place).glob("opt/flink-python-*.jar")))


def build(environment: Any, asked: Asked) -> None:
    """Put the job together. Each part has a name of its own, by which a checkpoint finds it again."""
    from pyflink.common import Types  # noqa: PLC0415
    from pyflink.datastream import OutputTag  # noqa: PLC0415

    logs = str(asked.logs)
    runs = (
        environment.add_source(_ticks(), "ticks", Types.LONG())
        .set_parallelism(1)
        .uid("ticks")
        .flat_map(list_runs(logs, _LOOKS * asked.tasks), Types.TUPLE([Types.STRING(), Types.DOUBLE()]))
        .set_parallelism(1)
        .name("list runs")
        .uid("list-runs")
    )
    followed = runs.key_by(lambda look: look[0], Types.STRING()).process(follow_run(logs), Types.STRING())
    followed = followed.name("follow runs").uid("follow-runs")
    _written(followed, asked.out / "derived")
    of_job = followed.get_side_output(OutputTag(OF_JOB, Types.PICKLED_BYTE_ARRAY()))
    jobs = of_job.key_by(lambda part: part[0], Types.STRING()).process(compare_jobs(), Types.STRING())
    _written(jobs.name("compare jobs").uid("compare-jobs"), asked.out / "jobs")
    for side in SIDES:
        _written(followed.get_side_output(OutputTag(side, Types.STRING())), asked.out / side)


def _ticks() -> Any:
    """One a second, without an end."""
    from pyflink.datastream.functions import SourceFunction  # noqa: PLC0415
    from pyflink.java_gateway import get_gateway  # noqa: PLC0415

    flink = get_gateway().jvm.org.apache.flink.streaming.api.functions.source.datagen
    return SourceFunction(flink.DataGeneratorSource(flink.RandomGenerator.longGenerator(0, 1), 1, None))


def _written(lines: Any, folder: Path) -> None:
    """Files that show with the checkpoint that they are of, and are never taken back."""
    from pyflink.common import Encoder  # noqa: PLC0415
    from pyflink.datastream.connectors.file_system import (  # noqa: PLC0415
        BucketAssigner,
        FileSink,
        OutputFileConfig,
        RollingPolicy,
    )

    sink = (
        FileSink.for_row_format(folder.as_uri(), Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .with_output_file_config(OutputFileConfig.builder().with_part_suffix(".jsonl").build())
        .build()
    )
    lines.sink_to(sink).name(folder.name).uid(folder.name)
