"""The tables of docs/esper.md, made from the code.

`python -m tests.pipeline.sources.esper.mapping` writes them anew.
"""

from collections.abc import Iterator
from pathlib import Path

from nissa.pipeline.sources.esper.rules import Rule, Translation
from nissa.pipeline.sources.esper.rules_table import RULES

__all__ = ["PAGE", "page", "tables"]

PAGE = Path(__file__).parents[4] / "docs" / "esper.md"
_BEGIN, _END = "<!-- made by tests/pipeline/sources/esper/mapping.py -->\n", "<!-- end -->"


def page(text: str) -> str:
    """The page with its tables made anew."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + tables() + _END + rest.split(_END, 1)[1]


def tables() -> str:
    """What each type becomes, and then, field by field, from what."""
    lines = ["", "| their type | becomes | `epoch` of their envelope | epoch here |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {_becomes(rule)} | {rule.envelope_epoch} | {_sentence(rule.epoch.__doc__)} |"
        for name, rule in RULES.items()
    ]
    translated = [(name, rule.into) for name, rule in RULES.items() if rule.into]
    return "\n".join([*lines, "", *(line for item in translated for line in _fields(*item)), ""])


def _fields(name: str, into: Translation) -> Iterator[str]:
    yield (
        f"**{name}** as `{into.kind.kind}`: "
        + ", ".join(f"{ours} = {source.text}" for ours, source in into.fields.items())
        + "."
    )
    yield ""


def _becomes(rule: Rule) -> str:
    if rule.into is None:
        return "carried whole"
    condition = _sentence(rule.into.unless.__doc__)
    return f"`{rule.into.kind.kind}`" + (f"; {condition}" if condition else "")


def _sentence(text: str | None) -> str:
    words = (text or "").rstrip(".")
    return words[:1].lower() + words[1:]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
