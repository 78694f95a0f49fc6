"""Tables of the terminal as HTML: the same cells, heads and notes, so that no figure is told in two ways."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.text import Text

from nissa.cli.runs.report.page.elements import Element, Part, tag
from nissa.sinks.text import NarrowingTable

__all__ = ["shown", "table", "text_of"]

_LOOKS = {"red": "bad", "yellow": "warn", "green": "good", "dim": "dim"}


def shown(parts: Iterable[Any]) -> Iterator[Element]:
    """What would be printed: tables and lines."""
    for part in parts:
        if isinstance(part, NarrowingTable):
            rows = [[text_of(cell) for cell in row] for row in part.cells]
            right = [column.justify == "right" for column in part.columns]
            yield table(str(part.title or ""), part.heads(), rows, right)
        elif str(part):
            yield tag("p", text_of(part), class_="note" if getattr(part, "style", "") == "dim" else None)


def table(title: str, heads: Sequence[str], rows: Iterable[Iterable[Part]], right: Sequence[bool] = ()) -> Element:
    """A table that may be scrolled sideways where it is wider than the page; columns of numbers to the `right`."""
    look = ["number" if at < len(right) and right[at] else None for at in range(len(heads))]
    head = tag("tr", [tag("th", head, scope="col", class_=look[at]) for at, head in enumerate(heads)])
    body = [tag("tr", [tag("td", cell, class_=look[at]) for at, cell in enumerate(row)]) for row in rows]
    made = tag("table", tag("caption", title) if title else None, tag("thead", head), tag("tbody", body))
    return tag("div", made, class_="wide", tabindex=0, role="region", aria_label=title or "table")


def text_of(text: Text | str) -> Part:
    """A text with what its colour says as a class."""
    if isinstance(text, str):
        return text
    style = str(text.style or "") + " ".join(str(span.style) for span in text.spans)
    look = next((look for colour, look in _LOOKS.items() if colour in style), None)
    return tag("span", text.plain, class_=look) if look else text.plain
