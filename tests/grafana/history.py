"""Hours of history out of recorded runs: `python -m tests.grafana.history RUN [RUN ...] TSDB [--hours 6]`.

Runs are stretched to fill the time and laid one after another, as processes on one port; the history ends now, and the
last run goes on. TSDB is a directory of blocks, for a Prometheus with `--storage.tsdb.path=TSDB`. A backfill cannot say
that a series ended, so ask it with `--query.lookback-delta=20s`, or series live on for five minutes.
"""

import argparse
import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import Metric as Family

from tests.grafana.process import INTERVAL, scrapes
from tests.grafana.stretched import laid_out

__all__ = ["SCRAPED", "History", "Values", "blocks", "history"]

SCRAPED = {"job": "nissa", "instance": "trainer:9464"}
"""What Prometheus adds to each sample."""

Values = tuple["array[float]", "array[float]"]
"""Times and values of a series."""
History = dict[str, dict[str, Values]]
"""By family, by the text of a series: `name{label="value"}`."""


def main(arguments: Sequence[str]) -> None:
    """Write the blocks, and say how much that was."""
    parser = argparse.ArgumentParser(prog="python -m tests.grafana.history")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("tsdb", type=Path, metavar="TSDB")
    parser.add_argument("--hours", type=float, default=6.0)
    options = parser.parse_args(arguments)
    end = time.time() // INTERVAL * INTERVAL
    runs = laid_out(options.runs, end - 3600 * options.hours, end)
    told = history(scrapes(runs, end - 3600 * options.hours, end))
    blocks(told, options.tsdb)
    count = sum(len(times) for lines in told.values() for times, _ in lines.values())
    print(f"{count:,} samples of {len(runs)} runs over {options.hours:g} hours are in {options.tsdb}")  # noqa: T201


def history(scraped: Iterable[tuple[float, list[Family]]]) -> History:
    """The samples of all scrapes by family and series, with the labels that Prometheus adds, and its `up`."""
    told: History = defaultdict(lambda: defaultdict(lambda: (array("d"), array("d"))))
    texts: dict[tuple[str, ...], str] = {}
    for now, families in scraped:
        _add(told["up"][_text("up", {})], now, bool(families))
        for family in families:
            lines = told[family.name]
            for name, labels, value, *_ in family.samples:
                key = (name, *labels.values())
                if (text := texts.get(key)) is None:
                    text = texts.setdefault(key, _text(name, labels))
                _add(lines[text], now, value)
    return told


def _add(values: Values, now: float, value: float) -> None:
    values[0].append(now)
    values[1].append(value)


def _text(name: str, labels: dict[str, str]) -> str:
    pairs = {**SCRAPED, **labels}.items()
    escaped = ((label, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for label, value in pairs)
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in escaped) + "}"


def blocks(told: History, directory: Path) -> None:
    """Have promtool make a database of it; times are whole seconds. Raises CalledProcessError if it will not."""
    directory.mkdir(parents=True, exist_ok=True)
    text = directory / "history.om"
    with text.open("w") as file:
        for family in told.values():
            for series, (times, values) in family.items():
                file.writelines(f"{series} {value!r} {at:.0f}\n" for at, value in zip(times, values, strict=True))
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(directory)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    text.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
