"""The files of a pack as they come: checksums, head and episodes, nothing of which is held as a whole."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from nissa.sinks.data_pack import (
    DECISIONS,
    EPISODES,
    FORMAT,
    MANIFEST,
    OPENING,
    PACK,
    SCHEMA,
    Episode,
    PackError,
    PackHead,
    digest,
)
from nissa.sinks.packages import needed

__all__ = ["episodes", "head", "parquet", "refuse_damaged"]


def refuse_damaged(folder: Path, *, sums: bool) -> None:
    """Raises PackError where `folder` is no pack, is of a newer version, or a file is not as it was written.

    `sums`: look at every byte, else at the sizes only.
    """
    told = _manifest(folder)
    version, files = told.get("format"), told.get("files")
    if not isinstance(version, int) or not isinstance(files, dict):
        raise PackError(f"{folder / MANIFEST}: has no format and no files, so this is no data pack")
    if version > FORMAT:
        raise PackError(f"{folder}: a pack of version {version}, and this Nissa reads up to {FORMAT}: use a newer one")
    for name in (PACK, SCHEMA, DECISIONS, EPISODES):
        file, known = folder / name, files.get(name) or {}
        if not file.is_file():
            raise PackError(f"{file}: missing; pack the runs again")
        if (size := file.stat().st_size) != known.get("bytes"):
            raise PackError(f"{file}: {size} bytes, and {known.get('bytes')} when it was packed; pack the runs again")
        if sums and digest(file) != known.get("sha256"):
            raise PackError(f"{file}: changed since it was packed (SHA-256 differs); pack the runs again")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        told = orjson.loads((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise PackError(f"{folder}: no data pack: {MANIFEST} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise PackError(f"{folder / MANIFEST}: not JSON: {error}") from None
    return told if isinstance(told, dict) else {}


def head(folder: Path) -> PackHead:
    """What stands before the episodes. Raises PackError."""
    text = b""
    with (folder / PACK).open("rb") as file:
        for line in file:
            if line.startswith(OPENING):
                found: PackHead = _read(PackHead, text.rstrip(b",\n") + b"}", f"{folder / PACK}")
                return found
            text += line
    raise PackError(f"{folder / PACK}: there is no line {OPENING.decode()!r}, so it is cut short, or no pack")


def episodes(folder: Path) -> Iterator[Episode]:
    """The episodes in their order. Raises PackError on one that is none."""
    with (folder / PACK).open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.startswith(b'{"episode_id"'):
                yield _read(Episode, line.rstrip(b",\n"), f"{folder / PACK}:{number}")


def parquet(file: Path) -> Any:
    """A Parquet file, mapped into memory. Raises PackError where it is none, MissingPackageError without pyarrow."""
    try:
        return needed("pyarrow.parquet").ParquetFile(file, memory_map=True)
    except needed("pyarrow").ArrowException as error:
        raise PackError(f"{file}: no Parquet file: {error}") from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read(kind: Any, text: bytes, place: str) -> Any:
    try:
        return _adapter(kind).validate_python(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise PackError(f"{place}: not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise PackError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
