"""What is on disk of a run? A directory of JSON lines in segments, the source of truth.

    context.json            what was started, as soon as it was
    events-000001.jsonl     the events, derived ones included where the trainer's process derives them; then -000002
                            and so on
    derived-000001.jsonl    what a collector derived, where there is one
    manifest.json           the segments, whether the log was closed, how many events were lost on their way or with
                            a segment that was removed, and whether it is whole: closed with the end of the run, and
                            nothing lost; replaced, never written into
    dead-letters.jsonl      events that some part choked on, if there were any

After `kill -9` everything flushed is there; the last line may be torn, and readers skip it and say so.
"""

from nissa.sinks.run_log.directory import (
    DERIVED,
    PACKED,
    cut_torn_line,
    is_being_written,
    lock,
    seems_written,
    segments,
)
from nissa.sinks.run_log.log import DEAD_LETTERS, RunLog
from nissa.sinks.run_log.manifest import MANIFEST, DamagedManifestError, listed_segments

__all__ = [
    "DEAD_LETTERS",
    "DERIVED",
    "MANIFEST",
    "PACKED",
    "DamagedManifestError",
    "RunLog",
    "cut_torn_line",
    "is_being_written",
    "listed_segments",
    "lock",
    "seems_written",
    "segments",
]
