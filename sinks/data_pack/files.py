"""The files of a pack: what they are called, and how they are written so that memory does not grow with them."""

import shutil
from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from nissa.events.json_encoding import line
from nissa.sinks.packages import needed

__all__ = [
    "DECISIONS",
    "EPISODES",
    "MANIFEST",
    "OPENING",
    "PACK",
    "SCHEMA",
    "Columns",
    "Lines",
    "PackError",
    "digest",
    "manifest",
]

PACK, SCHEMA, MANIFEST = "pack.json", "schema.json", "manifest.json"
DECISIONS, EPISODES = "decisions.parquet", "episodes.parquet"
OPENING = b'"episodes": ['
"""The line of `pack.json` after which each line is an episode."""
_WAITING = ".episodes"
_AT_ONCE = 4096
"""Rows of a row group."""


class PackError(ValueError):
    """What cannot be packed, or is no pack: one line that says where, and what to do."""


class Lines:
    """The episodes of `pack.json`, a line each. They wait in a file of their own, for the head is known last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO = (folder / _WAITING).open("w+b")
        self._digest = sha256()
        self._between = b""

    def add(self, episode: Any) -> None:
        """Write an episode."""
        text = line({"": episode})[len(b'{"":') : -len(b"}\n")]
        self._digest.update(text)
        self._file.write(self._between + text)
        self._between = b",\n"

    def digest(self) -> str:
        """Of all episodes, in hex."""
        return self._digest.hexdigest()

    def finish(self, head: Any) -> None:
        """Write `pack.json`: the members of the head a line each, and the episodes."""
        members = orjson.loads(line({"": head}))[""]
        with (self._folder / PACK).open("wb") as file:
            file.write(b"{\n")
            for name, value in members.items():
                file.write(orjson.dumps(name) + b": " + orjson.dumps(value) + b",\n")
            file.write(OPENING + b"\n")
            self._file.seek(0)
            shutil.copyfileobj(self._file, file)
            file.write(b"\n]\n}\n")
        self.close()
        (self._folder / _WAITING).unlink()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


class Columns:
    """A Parquet file, in row groups of bounded size."""

    def __init__(self, file: Path, schema: Any) -> None:
        self._schema, self._rows = schema, list[dict[str, Any]]()
        self._writer = needed("pyarrow.parquet").ParquetWriter(file, schema, compression="zstd")

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write rows, soon."""
        self._rows.extend(rows)
        while len(self._rows) >= _AT_ONCE:
            self._write(self._rows[:_AT_ONCE])
            del self._rows[:_AT_ONCE]

    def close(self) -> None:
        """Write what waits."""
        if self._rows:
            self._write(self._rows)
            self._rows = []
        self._writer.close()

    def _write(self, rows: list[dict[str, Any]]) -> None:
        arrow = needed("pyarrow")
        try:
            self._writer.write_batch(arrow.RecordBatch.from_pylist(rows, schema=self._schema))
        except (arrow.ArrowException, OverflowError) as error:
            told = f"an episode of {rows[0]['episode_id']} to {rows[-1]['episode_id']} has no form in Parquet"
            raise PackError(f"{told}: {error}") from None


def manifest(folder: Path, version: int, pack_id: str) -> None:
    """Write `manifest.json`: bytes and SHA-256 of each file that is there."""
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": digest(file)}
        for file in sorted(folder.iterdir())
        if file.name != MANIFEST
    }
    told = {"format": version, "pack_id": pack_id, "files": files}
    (folder / MANIFEST).write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def digest(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
