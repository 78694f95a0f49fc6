"""The tables of a run beside its log: made when they are first asked for, made anew once the log is another.

They lie in `.tables`, in the directory of the run or beside the file, and whoever reads the log does not see them. A
folder appears there whole or not at all. Where nothing may be written, tables are temporary.
"""

import os
import shutil
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import nissa
from nissa.events.kind import KINDS
from nissa.pipeline.query.building import PARTS, build
from nissa.pipeline.query.tables import schema
from nissa.pipeline.sources import UnreadableRunError, log_files

__all__ = ["RunTables"]

_ABANDONED = 3600
"""Seconds after which an unfinished folder is nobody's."""
_MAKERS = ("events", "operators", "pipeline")
"""Folders of Nissa whose code decides what is in a table."""


class RunTables:
    """The tables of one run. Raises UnreadableRunError if there is none at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes of its log."""
        self._home = path / ".tables" if path.is_dir() else path.parent / f".{path.name}.tables"
        self._key = self._digest()
        self._temporary: Path | None = None

    def folder(self, part: str) -> Path:
        """The folder of a part of the tables: "told", what was emitted, or "derived", what operators make of it."""
        if kept := self.keep(part):
            return kept
        if self._temporary is None:
            self._temporary = Path(mkdtemp(prefix="nissa-tables-"))
            weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        known = self._place(self._temporary, part)
        return known if known.is_dir() else self._made(self._temporary, part)

    def keep(self, part: str) -> Path | None:
        """The same beside the log; None where nothing may be written there."""
        if self.is_kept(part):
            return self._place(self._home, part)
        with suppress(OSError):
            if _may_write(self._home.parent):
                self._home.mkdir(exist_ok=True)
                made = self._made(self._home, part)
                self._remove_stale()
                return made
        return None

    def is_kept(self, part: str) -> bool:
        """Whether that is there, of the log as it was when it was looked at."""
        return self._place(self._home, part).is_dir()

    def _place(self, home: Path, part: str) -> Path:
        return home / f"{self._key}-{part}"

    def _made(self, home: Path, part: str) -> Path:
        workshop = home / f"unfinished-{uuid4().hex}"
        workshop.mkdir()
        try:
            build(self.path, workshop, part)
            with suppress(FileExistsError):
                # Where somebody else was faster, theirs are as good.
                os.rename(workshop, self._place(home, part))
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
        return self._place(home, part)

    def _digest(self) -> str:
        """Of the files as they are, and of what makes tables of them."""
        digest = sha256(_makers())
        for kind in KINDS:
            digest.update(f"{kind} {schema(kind)}\n".encode())
        for file in log_files(self.path):
            if not file.is_file():
                raise UnreadableRunError(f"{self.path}: it can be read only once: save it to a file first")
            known = file.stat()
            self.size += known.st_size
            digest.update(f"{file.name} {known.st_size} {known.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:20]

    def _remove_stale(self) -> None:
        current = {self._place(self._home, part) for part in PARTS}
        for folder in self._home.iterdir():
            unfinished = folder.name.startswith("unfinished-")
            if folder not in current and not (unfinished and time.time() - folder.stat().st_mtime < _ABANDONED):
                shutil.rmtree(folder, ignore_errors=True)


def _may_write(directory: Path) -> bool:
    """A directory that is read-only by its mode is so for root too."""
    return os.access(directory, os.W_OK) and bool(directory.stat().st_mode & 0o222)


@cache
def _makers() -> bytes:
    """The code: of another version, or one that is being changed, numbers may be others."""
    digest = sha256()
    for file in _code():
        digest.update(file.read_bytes())
    return digest.digest()


def _code() -> Iterator[Path]:
    root = Path(nissa.__file__).parent
    for folder in _MAKERS:
        yield from sorted(_python((root / folder).iterdir()))


def _python(entries: Iterable[Path]) -> Iterator[Path]:
    for entry in entries:
        if entry.is_dir():
            yield from _python(entry.iterdir())
        elif entry.suffix == ".py":
            yield entry
