"""Runs as data frames: `nissa.open("runs/x").epochs.to_pandas()`. Nothing is read before a frame is asked for."""

from pathlib import Path
from typing import Any

from nissa.pipeline.query.asking import asked, found_runs
from nissa.pipeline.query.database import names
from nissa.pipeline.query.notebook import html_of
from nissa.pipeline.query.views import VIEWS, quoted
from nissa.sinks.packages import needed

__all__ = ["Frame", "Runs", "open"]

_RUNS = "select path, run, outcome, duration, events, n_envs, n_episodes, max_epochs, host_architecture from runs"
"""What a notebook shows of runs: what was told, so that no operator is waited for."""


class Frame:
    """The rows of a view, or of a query: read each time that they are asked for. `None` and NaN stay two things."""

    def __init__(self, paths: tuple[str | Path, ...], sql: str) -> None:
        self._paths, self.sql = paths, sql

    def arrow(self) -> Any:
        """As a pyarrow.Table. Raises QueryError, UnreadableRunError, and MissingPackageError without the extra."""
        needed("duckdb")
        with asked(found_runs(*self._paths), self.sql) as answer:
            return answer.batches.read_all()

    def to_pandas(self) -> Any:
        """As a pandas.DataFrame with Arrow's types: whole numbers stay whole where some are missing."""
        pandas = needed("pandas", "pandas")
        return self.arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def to_polars(self) -> Any:
        """As a polars.DataFrame."""
        polars = needed("polars", "polars")
        return polars.from_arrow(self.arrow())

    def __repr__(self) -> str:
        return f"<Frame of {', '.join(map(str, self._paths))}: {self.sql}>"

    def _repr_html_(self) -> str:
        """The first rows, where a notebook shows it."""
        return html_of(self._paths, self.sql, self.sql)


class Runs:
    """Recorded runs. Each view and each kind of event is an attribute: `runs.epochs`, `runs.batch_completed`."""

    def __init__(self, paths: tuple[str | Path, ...]) -> None:
        self._paths = paths

    def query(self, sql: str) -> Frame:
        """What a SELECT over the views gives."""
        return Frame(self._paths, sql)

    def __getattr__(self, name: str) -> Frame:
        if name not in names():
            raise AttributeError(f"there is no view {name!r}; there are {', '.join(names())}")
        return self.query(f"select * from {quoted(name)}")

    def _repr_html_(self) -> str:
        """A row for each run, where a notebook shows them."""
        return html_of(
            self._paths, _RUNS, f"Views: {', '.join(view.name for view in VIEWS)}. `nissa report` draws them."
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *names()]


def open(*paths: str | Path) -> Runs:
    """The runs at these paths: directories, files of lines, or patterns such as "runs/*".

    Raises UnreadableRunError where there is none, TypeError without a path.
    """
    if not paths:
        raise TypeError('open() needs a run, such as open("runs/x")')
    found_runs(*paths)
    return Runs(paths)
