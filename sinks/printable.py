r"""What may a terminal be given of a name? Whatever shows; what would steer it, or hide, is written as its code.

>>> printable("\x1b[31mred\n\u202eevil"), printable("Größe, 尺寸, [red]")
('\\x1b[31mred\\n\\u202eevil', 'Größe, 尺寸, [red]')
>>> shortened("a" * 300, most=20)
'aaaaaaaaaaa... (300)'
"""

import json
import re

__all__ = ["json_printable", "printable", "shortened"]

_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""They turn the order of what is shown around."""
_UNSEEN = r"\u200b\u2028\u2029\u2060-\u2064\ufeff\U000e0000-\U000e007f"
_HALVES = r"\ud800-\udfff"
"""Half a character, as in some file names: no encoding has it."""
_HIDDEN = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_UNSEEN}{_HALVES}]")
_HIDDEN_IN_JSON = re.compile(f"[\x7f-\x9f{_DIRECTIONS}{_UNSEEN}{_HALVES}]")


def printable(text: str) -> str:
    """A text in one line, without what a terminal would obey instead of show."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def json_printable(document: str) -> str:
    """The same of a JSON document, which stays the same document; its line ends stay too."""
    return _HIDDEN_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], document)


def shortened(text: str, most: int = 500) -> str:
    """A text that is quoted, of `most` characters at most: its beginning, and how long it was."""
    if len(text) <= most:
        return text
    end = f"... ({len(text)})"
    return text[: most - len(end)] + end
