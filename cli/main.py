"""The `nissa` command: one subcommand a file, one clear line for each error."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import NoReturn

from nissa.cli.commands import add_commands
from nissa.cli.errors import UsageError
from nissa.sinks.printable import printable, shortened

__all__ = ["main"]

_LONGEST = 2_000
"""Characters of a complaint, whatever it quotes."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand. Returns the exit status.

    0, 1 for a run in which something could not be read, 2 for what the user can mend, 130 after Ctrl-C.
    """
    _write_what_can_be_written()
    with _readable_log():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser(given).parse_args(given)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except UsageError as error:
        _complain(f"nissa {arguments.command}: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output went away (`nissa replay RUN | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _complain(f"nissa {arguments.command}: {error}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


def _write_what_can_be_written() -> None:
    """A terminal that lacks a character shows a question mark; one that was closed shows nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class _Printable(logging.Formatter):
    """What goes wrong inside is told with the names that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(printable, super().format(record).split("\n")))


@contextmanager
def _readable_log() -> Iterator[None]:
    log, handler = logging.getLogger("nissa"), logging.StreamHandler()
    handler.setFormatter(_Printable())
    if log.handlers:
        yield
        return
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _complain(line: str) -> None:
    sys.stderr.write(f"{printable(shortened(line, _LONGEST))}\n")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """What is quoted of an argument may be anything."""
        super().error(printable(shortened(message, _LONGEST)))


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="nissa", description="Telemetry for networks that grow while they train.")
    parser.add_argument("--version", action="version", version=f"nissa {version('nissa')}")
    add_commands(parser, argv)
    return parser


if __name__ == "__main__":
    sys.exit(main())
