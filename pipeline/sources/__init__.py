"""Where do recorded events come from? From a run of Nissa's, or from another system's log that is translated.

`read_log` yields the events of a run, whose files `log_files` names, and a `Tail` its lines while it goes on; a
`Reading` counts what was found on the way, good and bad.
"""

from nissa.pipeline.sources.lines import LONGEST_LINE
from nissa.pipeline.sources.lines import lines as file_lines
from nissa.pipeline.sources.own_events import own_event
from nissa.pipeline.sources.read_report import Reading, UnreadableRunError
from nissa.pipeline.sources.reader import log_files, read_log
from nissa.pipeline.sources.tail import Tail
from nissa.pipeline.sources.translation_report import Account

__all__ = [
    "LONGEST_LINE",
    "Account",
    "Reading",
    "Tail",
    "UnreadableRunError",
    "file_lines",
    "log_files",
    "own_event",
    "read_log",
]
