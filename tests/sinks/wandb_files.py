"""What is in a file of W&B's. Its library has no reader any more: its own messages are taken out of the log of LevelDB.

https://github.com/google/leveldb/blob/main/doc/log_format.md: blocks of 32 KiB with fragments, each with a checksum,
its length and whether it is the whole, first, middle or last one. W&B's log begins with seven bytes of its own.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wandb.proto import wandb_internal_pb2

__all__ = ["WandbRun", "read_runs"]

_BLOCK, _HEAD, _MARK = 32_768, 7, b":W&B"
_WHOLE, _LAST = 1, 4
_RECORD: Any = vars(wandb_internal_pb2)["Record"]


class WandbRun(NamedTuple):
    """A run: what it is called, and its rows in their order."""

    name: str
    group: str
    project: str
    rows: list[dict[str, Any]]
    steps: dict[str, str]
    """By curve, the column that it stands over."""
    finished: bool


def read_runs(directory: Path) -> list[WandbRun]:
    """Runs below a directory, but for those of a service that was killed before it wrote."""
    files = [[*_records(file.read_bytes())] for file in sorted(directory.rglob("*.wandb"))]
    return [_run(records) for records in files if records]


def _run(records: list[Any]) -> WandbRun:
    (run,) = [record.run for record in records if record.HasField("run")]
    rows = [record.history.item for record in records if record.HasField("history")]
    return WandbRun(
        run.display_name,
        run.run_group,
        run.project,
        [{"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row} for row in rows],
        {record.metric.name: record.metric.step_metric for record in records if record.HasField("metric")},
        any(record.HasField("exit") for record in records),
    )


def _records(data: bytes) -> Iterator[Any]:
    assert data.startswith(_MARK)
    at, message = _HEAD, b""
    while at < len(data):
        room = _BLOCK - at % _BLOCK
        if room < _HEAD:
            at += room
            continue
        _, length, part = struct.unpack_from("<IHB", data, at)
        message += data[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length
        if part in (_WHOLE, _LAST):
            yield _RECORD.FromString(message)
            message = b""
