"""All views of runs as a folder of files, which is there whole or not at all."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from nissa.pipeline.query.asking import asked
from nissa.pipeline.query.cache import RunTables
from nissa.pipeline.query.database import names
from nissa.pipeline.query.description import Described, described
from nissa.pipeline.query.views import quoted
from nissa.pipeline.query.writing import write_csv, write_parquet

__all__ = ["FORMATS", "export"]

FORMATS = ("csv", "parquet")


def export(runs: Sequence[RunTables], folder: Path, form: str) -> tuple[dict[str, int], list[tuple[Path, str]]]:
    """Write each view and table that has rows, and `columns.csv`, which says what their columns mean.

    Returns the rows by view, and what is wrong with the logs. Raises FileExistsError where the folder is there already,
    OSError where it cannot be written.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: choose another folder, or move it away")
    workshop = folder.parent / f".{folder.name}-{uuid4().hex}"
    workshop.mkdir()
    try:
        done = _written(runs, workshop, form)
        workshop.rename(folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return done


def _written(runs: Sequence[RunTables], folder: Path, form: str) -> tuple[dict[str, int], list[tuple[Path, str]]]:
    counts = ", ".join(f"(select count(*) from {quoted(name)})" for name in names())
    with asked(runs, f"select {counts}") as answer:
        (row,) = zip(*answer.batches.read_all().to_pydict().values(), strict=True)
    rows = {name: count for name, count in zip(names(), row, strict=True) if count}
    for name in rows:
        _write(runs, name, folder / f"{name}.{form}")
    with (folder / "columns.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([Described._fields, *described(*rows)])
    return rows, answer.complaints


def _write(runs: Sequence[RunTables], name: str, file: Path) -> None:
    with asked(runs, f"select * from {quoted(name)}") as answer:
        if file.suffix == ".parquet":
            write_parquet(answer.batches, file)
        else:
            with file.open("w", encoding="utf-8", newline="") as text:
                write_csv(answer.batches, text)
