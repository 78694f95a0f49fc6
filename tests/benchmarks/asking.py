"""What it costs to ask a run: the first time and later, beside DuckDB and pandas on the lines of the log themselves."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.mixes import emit_all, healthy

__all__ = ["run"]

ROUNDS, MANY_ROUNDS = 5, 3
EVENTS, RUNS, EVENTS_OF_EACH = 100_000, 100, 10_000
BATCHES = "select env, count(*), avg(loss) from batches group by env"
EPOCHS = "select env, max(val_accuracy) from epochs group by env"
DUCKDB = """import duckdb
lines = "read_ndjson('{log}', columns={{kind: 'varchar', env: 'bigint', data: 'struct(loss double)'}})"
asked = "select env, count(*), avg(data.loss) from " + lines + " where kind = 'batch_completed' group by env"
assert len(duckdb.sql(asked).fetchall()) == 16"""
PANDAS = """import orjson, pandas
rows = [orjson.loads(line) for line in open('{log}', 'rb')]
told = pandas.json_normalize([row for row in rows if row['kind'] == 'batch_completed'])
assert len(told.groupby('env')['data.loss'].agg(['size', 'mean'])) == 16"""


def run() -> None:
    """Whole processes, as a user starts them; those of the first table take turns."""
    with tempfile.TemporaryDirectory() as folder:
        _one(_written(Path(folder) / "one", EVENTS))
        _many(Path(folder) / "many")


def _one(directory: Path) -> None:
    log = next(directory.glob("events-*.jsonl"))
    programs: dict[str, Callable[[], object]] = {
        f"nissa query, batches by environment, {EVENTS:,} events, first": lambda: _first([directory], BATCHES),
        "the same, later": lambda: _ask([directory], BATCHES),
        "duckdb: read_ndjson of the same log, told the columns": lambda: _python(DUCKDB.format(log=log)),
        "orjson and pandas, of the same log": lambda: _python(PANDAS.format(log=log)),
    }
    figures = {name: Figure(name, [], "s") for name in programs}
    for _ in range(ROUNDS):
        for name, program in programs.items():
            figures[name].values.append(_timed(program))
    report("A question to one run, wall clock of a process", list(figures.values()))


def _many(folder: Path) -> None:
    runs = [_written(folder / f"run-{number}", EVENTS_OF_EACH) for number in range(RUNS)]
    first, later = list[float](), list[float]()
    for _ in range(MANY_ROUNDS):
        first.append(_timed(lambda: _first(runs, EPOCHS)))
        later.append(_timed(lambda: _ask(runs, EPOCHS)))
    what = f"{RUNS} runs of {EVENTS_OF_EACH:,} events, epochs by environment"
    report("A question to many runs", [Figure(f"{what}, first", first, "s"), Figure("the same, later", later, "s")])


def _written(directory: Path, events: int) -> Path:
    with Telemetry("bench", out=directory, operators={}, capacity=2 * events) as telemetry:
        emit_all(telemetry, healthy(16, events))
    return directory


def _first(runs: list[Path], sql: str) -> None:
    for directory in runs:
        shutil.rmtree(directory / ".tables", ignore_errors=True)
    _ask(runs, sql)


def _ask(runs: list[Path], sql: str) -> None:
    command = [sys.executable, "-m", "nissa.cli.main", "query", *map(str, runs), sql, "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def _timed(program: Callable[[], object]) -> float:
    started = time.perf_counter()
    program()
    return time.perf_counter() - started
