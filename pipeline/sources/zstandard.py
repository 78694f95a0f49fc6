"""Files compressed with Zstandard, for which Python 3.11 needs the package `zstandard`."""

from importlib import import_module
from io import BufferedReader, RawIOBase
from typing import Any

from nissa.pipeline.sources.read_report import UnreadableRunError

__all__ = ["open_zst"]

_CHUNK = 1 << 17
_BITE = 1 << 10
"""Bytes that are unpacked at a time: four of them may stand for 128 KiB, and all of that is in memory at once."""


def open_zst(file: BufferedReader) -> BufferedReader:
    """The content of a file. Reading raises EOFError where it is cut short or damaged, as gzip does.

    Raises UnreadableRunError where the package is missing, and says what to install.
    """
    try:
        zstandard = import_module("zstandard")
    except ModuleNotFoundError:
        raise UnreadableRunError(f"{file.name}: to read a .zst, pip install 'nissa[zstd]'") from None
    return BufferedReader(_Content(file, zstandard), _CHUNK)


class _Content(RawIOBase):
    """zstandard's own reader ends in silence where a file was cut; this one says so."""

    def __init__(self, file: BufferedReader, zstandard: Any) -> None:
        self._file, self._zstandard = file, zstandard
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._pending = self._ready = memoryview(b"")
        self._whole = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._pending:
                self._pending = memoryview(self._file.read(_CHUNK))
            if not self._pending:
                return self._end()
            self._feed(self._pending[:_BITE])
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _feed(self, bite: memoryview) -> None:
        if self._whole:
            self._frame = self._zstandard.ZstdDecompressor().decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(bite))
        except self._zstandard.ZstdError as error:
            raise EOFError(str(error)) from None
        self._whole = self._frame.eof
        self._pending = self._pending[len(bite) - len(self._frame.unused_data) :]

    def _end(self) -> int:
        if not self._whole:
            raise EOFError("the compressed file ended before its end marker")
        return 0
