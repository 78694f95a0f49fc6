"""The traces of a run, a line each, numbered as `nissa trace` takes them."""

from nissa.cli.runs.trace_text import headline, severity
from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured
from nissa.events.vocabulary import MARK

__all__ = ["Headlines"]


class Headlines:
    """A sink that keeps a line for each trace with its number; of marks only where asked."""

    kinds = (DenseTraceCaptured,)

    def __init__(self, *, marks: bool) -> None:
        self.count, self.quiet, self.marks = 0, 0, marks
        self.numbered: list[tuple[int, str]] = []

    def __call__(self, event: Event[DenseTraceCaptured]) -> None:
        self.count += 1
        if severity(event.payload) == MARK and not self.marks:
            self.quiet += 1
        else:
            self.numbered.append((self.count, headline(event.payload)))

    def text(self) -> list[str]:
        """All lines, and at their end how many are not listed."""
        if not self.count:
            return ["Nothing was traced: no alert was raised near a batch."]
        none = [] if self.numbered else ["No alert was traced."]
        traces = f"{self.quiet:,} trace{'' if self.quiet == 1 else 's'}"
        left_out = [f"{traces} of marks alone not listed: --marks lists all."] if self.quiet else []
        return [*none, *(f"{nth:>4}  {line}" for nth, line in self.numbered), *left_out]
