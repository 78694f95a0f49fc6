"""Inputs that are kept: what targets begin with, and what once went wrong."""

import json
from base64 import b64decode
from functools import cache
from pathlib import Path

__all__ = ["seeds"]

_FILE = Path(__file__).parent / "corpus.json"


@cache
def _kept() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(_FILE.read_text())
    return found


def seeds(target: str) -> list[bytes]:
    """The inputs of a target: a text as it is, and what is none in base 64."""
    return [b64decode(text[7:]) if text.startswith("base64:") else text.encode() for text in _kept()[target]]
