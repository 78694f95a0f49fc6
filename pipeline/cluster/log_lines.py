"""The lines of a growing log from a place on; nothing is held between two looks.

A segment is complete once a later one is there: the writer makes the next one after the last byte of the one before.
In the last one, a line without an end waits. A segment that is missing is waited for, and told, unless the manifest
shows that the writer itself has given it up.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from nissa.pipeline.cluster.place import Place
from nissa.pipeline.sources import LONGEST_LINE, Reading, UnreadableRunError, file_lines
from nissa.sinks.run_log import DamagedManifestError, listed_segments, segments

__all__ = ["Found", "read_on"]

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Found:
    """What there is behind a place."""

    place: Place
    """Behind the lines."""
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    """Those that are not blank, each with its file and number."""
    told: list[str] = field(default_factory=list)
    """What was passed over."""
    problem: str = ""
    """What keeps the rest from being read; empty where nothing does."""


def read_on(directory: Path, place: Place, most: int) -> Found:
    """The next lines, of about `most` bytes; of a packed segment, all."""
    found = Found(replace(place))
    # Listed before it is read: what there is now of a segment that has a later one is all of it.
    files = _numbered(directory)
    left = most
    while left > 0:
        taken = _take(files, found, left)
        left -= taken
        if not taken and (found.problem or not _go_on(directory, files, found)):
            break
    return found


def _numbered(directory: Path) -> dict[int, Path]:
    """The segments by their numbers."""
    names = ((file.name.partition(".")[0].rpartition("-")[2], file) for file in segments(directory))
    return {int(number): file for number, file in names if number.isdecimal()}


def _take(files: dict[int, Path], found: Found, most: int) -> int:
    """Take lines of the segment; how many bytes that were."""
    at = found.place
    file = files.get(at.segment)
    if file is None:
        return 0
    try:
        return _plain(file, max(files) > at.segment, found, most) if file.suffix == ".jsonl" else _packed(file, found)
    except FileNotFoundError:
        return 0  # packed away since it was listed
    except (OSError, UnreadableRunError) as error:
        found.problem = f"{file.name}: {error}"
        return 0


def _plain(file: Path, complete: bool, found: Found, most: int) -> int:
    at = found.place
    with file.open("rb") as content:
        if (size := content.seek(0, 2)) < at.offset:
            found.problem = f"{file.name}: it has {size} bytes, and {at.offset} were read of it"
            return 0
        content.seek(at.offset)
        piece = content.read(most)
        if b"\n" not in piece and len(piece) == most:
            # Of a line that is too long, the rest is taken for another one; neither is an event.
            piece += content.readline(LONGEST_LINE + 1)
        whole = piece.rfind(b"\n") + 1
        at_end = complete and at.offset + len(piece) == size
    if not whole and (at_end or len(piece) > LONGEST_LINE):
        whole = len(piece)
    _split(file.name, piece[:whole], found)
    at.offset += whole
    return whole


def _split(name: str, piece: bytes, found: Found) -> None:
    *whole, end = piece.split(b"\n")
    for text in [*(line + b"\n" for line in whole), *([end] if end else [])]:
        found.place.line += 1
        line = text.removeprefix(_BOM) if found.place.line == 1 else text
        if line.strip():
            found.lines.append((f"{name}:{found.place.line}", line))


def _packed(file: Path, found: Found) -> int:
    at, reading = found.place, Reading()
    if at.unpacked:
        return 0
    for place, line in file_lines(file, reading):
        if (number := int(place.rpartition(":")[2])) > at.line:
            at.line = number
            found.lines.append((place, line))
    found.told += reading.problems
    at.offset, at.unpacked = file.stat().st_size, True
    return at.offset


def _go_on(directory: Path, files: dict[int, Path], found: Found) -> bool:
    """Go on with the next segment, if there is a later one and nothing is left of this one."""
    at = found.place
    later = [number for number in files if number > at.segment]
    if not later:
        return False
    closed = _closed(directory)
    missing = list(range(at.segment + 1, following := min(later)))
    if at.segment and at.segment not in files and closed.get(at.segment) != at.offset and not at.unpacked:
        missing.insert(0, at.segment)
    # The writer has closed a later one, and does not name this one any more.
    given_up = max(closed, default=0) >= following
    if kept := [number for number in missing if number in closed or not given_up]:
        found.problem = f"events-{kept[0]:06}.jsonl: missing, and there is a later one; it is waited for"
        return False
    found.told += [f"events-{number:06}.jsonl: missing, and given up by its writer" for number in missing]
    found.place = replace(at, segment=following, offset=0, line=0, unpacked=False)
    return True


def _closed(directory: Path) -> dict[int, int]:
    """Bytes of the segments that the manifest knows to be closed, by number."""
    try:
        rows = listed_segments(directory)
    except DamagedManifestError:
        return {}
    numbers = ((row["name"].partition(".")[0].rpartition("-")[2], row["bytes"]) for row in rows)
    return {int(number): size for number, size in numbers if number.isdecimal()}
