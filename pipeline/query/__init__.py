"""What can be asked of recorded runs? Anything that SQL can say: over kinds of events, and views named as the field is.

Logs become Parquet tables once, which lie beside them; an embedded DuckDB reads those of the runs in question, and
nothing else. It needs `pip install 'nissa[query]'`.
"""

from nissa.pipeline.query.asking import Answer, QueryError, asked, found_runs
from nissa.pipeline.query.description import Described, described
from nissa.pipeline.query.exporting import FORMATS, export
from nissa.pipeline.query.frames import Frame, Runs, open
from nissa.pipeline.query.views import VIEWS
from nissa.pipeline.query.writing import distinct, rows_of, write_csv, write_json, write_parquet
from nissa.sinks.packages import MissingPackageError

__all__ = [
    "FORMATS",
    "VIEWS",
    "Answer",
    "Described",
    "Frame",
    "MissingPackageError",
    "QueryError",
    "Runs",
    "asked",
    "described",
    "distinct",
    "export",
    "found_runs",
    "open",
    "rows_of",
    "write_csv",
    "write_json",
    "write_parquet",
]
