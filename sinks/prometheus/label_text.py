"""What does a label say of a value? Its text, cut where it is long, and nothing that ends a scrape.

>>> label_text("early"), label_text(5), len(label_text("x" * 10_000))
('early', '5', 200)
>>> label_text("x" * 10_000) == label_text("x" * 10_001)
False
"""

from hashlib import sha256
from typing import Any

__all__ = ["MAX_LABEL", "label_text"]

MAX_LABEL = 200
"""Characters of a label's value; a longer one is cut, and ends in a digest, so that two long names stay two."""
_DIGEST = 16


def label_text(value: Any) -> str:
    """A value as a label tells it. Half a surrogate pair, as in some file names, becomes a question mark."""
    try:
        text = str(value)
    except ValueError:
        # A whole number of thousands of digits has no decimal text.
        text = hex(value)
    encoded = text.encode("utf-8", "replace")
    if len(text) <= MAX_LABEL:
        return encoded.decode()
    return f"{encoded.decode()[: MAX_LABEL - _DIGEST - 1]}~{sha256(encoded).hexdigest()[:_DIGEST]}"
