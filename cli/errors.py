"""Errors that the user can mend, and the checks that several subcommands share."""

import argparse
from collections.abc import Callable

__all__ = ["UsageError", "at_least", "port"]


class UsageError(Exception):
    """One line that says what is wrong and what to do; it ends the command with status 2."""


def at_least(least: int) -> Callable[[str], int]:
    """An argument that is a whole number from `least` up."""

    def number(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} up")
        return int(text)

    return number


def port(text: str) -> int:
    """An argument that is a port; 0 stands for any free one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 (any free one) to 65535")
    return int(text)
