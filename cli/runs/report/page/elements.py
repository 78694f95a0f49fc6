"""Elements of HTML and SVG, whose texts and attributes are escaped whatever they are.

>>> text(tag("p", "<b> & ", tag("em", "so"), title='"'))
'<p title="&quot;">&lt;b&gt; &amp; <em>so</em></p>'
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from nissa.sinks.printable import printable

__all__ = ["Part", "tag", "text"]

Element = ElementTree.Element
Part = Element | str | None
"""What may stand in an element; None is nothing."""


def tag(name: str, *parts: Part | Iterable[Part], **attributes: object) -> Element:
    """An element with these parts. `class_` is the attribute class, `aria_label` aria-label; None leaves one out."""
    told = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    made = Element(name, {key: printable(str(value)) for key, value in told.items()})
    for part in parts:
        for each in [part] if part is None or isinstance(part, str | Element) else part:
            _append(made, each)
    return made


def text(element: Element) -> str:
    """As HTML."""
    return ElementTree.tostring(element, encoding="unicode", method="html")


def _append(made: Element, part: Part) -> None:
    if isinstance(part, Element):
        made.append(part)
    elif part and len(made):
        made[-1].tail = (made[-1].tail or "") + _shown(part)
    elif part:
        made.text = (made.text or "") + _shown(part)


def _shown(part: str) -> str:
    return "\n".join(map(printable, part.split("\n")))
