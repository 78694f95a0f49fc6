"""The lives of seeds over the epochs of an episode: a strip for each slot, which says in words what it shows."""

from collections.abc import Iterator, Sequence

from nissa.cli.runs.report.page.elements import Element, tag
from nissa.cli.runs.report.page.tables import table
from nissa.cli.runs.report.taking import Course, Lives, Span
from nissa.events.vocabulary import EMPTY_STAGES, STAGES
from nissa.sinks.text import counted, joined, place

__all__ = ["timeline"]

_OPEN = 4
"""Episodes that are shown at once; the others are behind their titles."""
_MARKS = 6
_NO_EPOCH = "Its events tell no epoch, so its lives have no length that could be drawn."


def timeline(lives: Lives) -> Iterator[Element]:
    """A strip for each slot of each episode, the last episodes first."""
    courses = [*lives.courses()][::-1]
    if courses:
        yield tag("p", "Stages: ", [_key(stage) for stage in STAGES if stage not in EMPTY_STAGES])
    for nth, (where, course) in enumerate(courses):
        title = place(*where) or "run"
        strips = _strips(title, course) if course.epoch else tag("p", _NO_EPOCH, class_="note")
        yield tag("details", tag("summary", title), strips, open="open" if nth < _OPEN else None)
    if lives.left_out:
        yield tag("p", f"{counted(lives.left_out, 'earlier episode')} had no room here.", class_="note")


def _key(stage: str) -> Element:
    return tag("span", stage.lower(), class_=f"key {_look(stage)}")


def _look(stage: str) -> str:
    return f"stage-{stage.lower()}" if stage in STAGES else "stage-other"


def _strips(title: str, course: Course) -> Element:
    end = max(course.epoch, 1) + 1
    rows = [(slot, _strip(slot, spans, end)) for slot, spans in course.slots.items()]
    axis = ("epoch", _axis(end))
    return table(f"Seeds of {title}", ("slot", f"epochs 1 to {end - 1}"), [*rows, axis])


def _strip(slot: str, spans: Sequence[Span], end: int) -> Element:
    told = "; ".join(_words(span, end) for span in spans) or "no seed"
    drawn = [_drawn(span, end) for span in spans if _until(span, end) > span.first or span.end]
    return tag("svg", drawn, class_="strip", role="img", aria_label=f"{slot}: {told}")


def _drawn(span: Span, end: int) -> Element:
    """Its words are cut off where it ends."""
    begin = max(span.first, 1)
    wide = max(_until(span, end) - begin, 0.3)
    words = joined(" ", span.blueprint, span.stage.lower())
    return tag(
        "svg",
        tag("title", _words(span, end)),
        tag("rect", width="100%", height="100%", class_=_look(span.stage)),
        tag("text", words, x=4, y="68%"),
        tag("line", x1="100%", x2="100%", y1="0", y2="100%", class_="culled") if span.end else None,
        x=f"{100 * (begin - 1) / (end - 1):.2f}%",
        width=f"{100 * wide / (end - 1):.2f}%",
        height="100%",
    )


def _words(span: Span, end: int) -> str:
    life = f"{span.stage.lower()} from epoch {span.first} to {end - 1 if span.last is None else span.last}"
    return joined(", ", joined(" ", span.blueprint, span.seed), life, span.end)


def _until(span: Span, end: int) -> int:
    return end if span.last is None else span.last


def _axis(end: int) -> Element:
    step = max(1, round((end - 1) / _MARKS))
    marks = [*range(1, end, step)]
    if len(marks) > 1 and end - marks[-1] < step / 2:
        marks.pop()
    parts = [tag("text", str(mark), x=f"{100 * (mark - 1) / (end - 1):.2f}%", y="70%") for mark in marks]
    return tag("svg", parts, class_="bar long", aria_hidden="true")
