"""Nothing that a terminal obeys instead of showing gets through, and what is shown stays."""

import json
import sys
import unicodedata

from nissa.sinks.printable import json_printable, printable, shortened

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))
STEERING = [
    character
    for character in EVERY
    if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    or unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
]


def test_what_steers_a_terminal_is_written_as_its_code() -> None:
    assert not set(printable(EVERY)) & set(STEERING)
    assert printable("a\x1b]0;b\x07\r\n\t\x9b\u202e\udcff") == r"a\x1b]0;b\x07\r\n\t\x9b\u202e\udcff"


def test_letters_of_every_script_and_signs_stay() -> None:
    shown = "".join(c for c in EVERY if unicodedata.category(c)[0] in "LMNPS")
    assert printable(shown) == shown


def test_a_json_document_stays_what_it_is() -> None:
    text = json_printable(json.dumps({"name": EVERY}, ensure_ascii=False, indent=1))
    assert json.loads(text) == {"name": EVERY.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")}
    assert set(text) & set(STEERING) == {"\n"}


def test_a_quotation_is_cut_and_says_how_long_it_was() -> None:
    assert shortened("x" * 500) == "x" * 500
    cut = shortened("x" * 226_000_000)
    assert (len(cut), cut[-15:]) == (500, "... (226000000)")
