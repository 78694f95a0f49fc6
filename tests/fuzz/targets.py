"""What is fed with inputs that nobody meant: each target takes bytes, and raises on anything but a plain refusal.

A refusal is one line.
"""

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

from nissa.cli.main import main
from nissa.events.codec import MalformedLineError, decode, written
from nissa.pipeline.config import ConfigError, load
from nissa.pipeline.packs import check_pack, open_pack
from nissa.pipeline.query import QueryError, asked, found_runs
from nissa.pipeline.sources import Reading, Tail, UnreadableRunError, own_event, read_log
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.data_pack import PackError

__all__ = ["TARGETS", "close"]

_EXCERPT = Path(__file__).parents[1] / "pipeline/sources/esper/esper_excerpt.jsonl"
_HERE = Path(tempfile.mkdtemp(prefix="nissa-fuzz-"))
_ANSWER = 5.0
"""Seconds in which a server must have answered, or hung up."""


@contextmanager
def _refused(*errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        told = str(error)
        assert len(told.splitlines()) == 1, f"a refusal is a line: {told!r}"


def codec(line: bytes) -> None:
    """A line: what is read of it is written, and read as the same again."""
    with _refused(MalformedLineError):
        once = written(decode(line))
        assert written(decode(once)) == once


def log(content: bytes) -> None:
    """A log: every line has one fate, and who follows it reads what a replay reads."""
    (directory := _HERE / "log").mkdir(exist_ok=True)
    (directory / "events-000001.jsonl").write_bytes(content)
    with _refused(UnreadableRunError):
        reading, followed = Reading(), Reading()
        events = [*read_log(directory, reading)]
        if reading.foreign is None:
            tail = Tail(directory, followed)
            lines = [*iter(tail.read, []), tail.unfinished()]
            tail.close()
            each = [own_event(place, line, followed) for batch in lines for place, line in batch]
            assert len(events) == sum(event is not None and followed.admit(event) for event in each)
            assert reading.malformed == followed.malformed


def esper(content: bytes) -> None:
    """A log of the other system, behind a line that is one of its own: every line is accounted for."""
    file = _HERE / "esper.jsonl"
    file.write_bytes(_first_line() + content)
    reading = Reading()
    for event in read_log(file, reading):
        written(event)
    if account := reading.foreign:
        assert account.lines == account.translated + account.carried + account.malformed + account.duplicates


def config(text: bytes) -> None:
    """A file of settings."""
    file = _HERE / "nissa.yaml"
    file.write_bytes(text)
    with _refused(ConfigError):
        load(file=file)


def query(text: bytes) -> None:
    """A question in SQL."""
    with _refused(QueryError), asked(found_runs(_excerpt()), text.decode(errors="replace"), 2.0) as answer:
        for _ in answer.batches:
            pass


def pack(changes: bytes) -> None:
    """A pack one of whose files has other bytes somewhere: the first byte says which, two where, the others what."""
    files = sorted(file for file in _pack().rglob("*") if file.is_file())
    file = files[(changes[:1] or b"\0")[0] % len(files)]
    whole = file.read_bytes()
    at = int.from_bytes(changes[1:3], "big") % (len(whole) + 1)
    file.write_bytes(whole[:at] + changes[3:] + whole[at + len(changes[3:]) :])
    try:
        with _refused(PackError):
            check_pack(_pack())
        with _refused(PackError):
            open_pack(_pack())
    finally:
        file.write_bytes(whole)


def scrape(request: bytes) -> None:
    """What a client sends to the server of metrics: it is answered or hung up on, and the next one is served."""
    for sent in (request, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):
        with socket.create_connection(_served(), timeout=_ANSWER) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda c=client: _received(c), b""))  # type: ignore[misc]
    assert answer.split(b" ", 2)[1:2] == [b"200"], answer[:100]


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (codec, log, esper, config, query, pack, scrape)
}


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(1 << 16)
    except ConnectionError:
        return b""


@cache
def _first_line() -> bytes:
    return next(line for line in _EXCERPT.read_bytes().splitlines(keepends=True) if line.startswith(b"{"))


@cache
def _excerpt() -> Path:
    copy = _HERE / "excerpt.jsonl"
    copy.write_bytes(_EXCERPT.read_bytes())
    return copy


@cache
def _pack() -> Path:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        # Status 1: something is wrong with the excerpt, as it should be.
        assert main(["pack", str(_excerpt()), "-o", str(_HERE / "pack")]) == 1
    return _HERE / "pack"


@cache
def _trainer() -> Telemetry:
    return Telemetry("fuzzed", metrics=0, linger=0, console=False)


def _served() -> tuple[str, int]:
    at = urlsplit(str(_trainer().metrics_url))
    return str(at.hostname), int(at.port or 0)


def close() -> None:
    """Serve no more."""
    if _trainer.cache_info().currsize:
        _trainer().close()
        _trainer.cache_clear()
