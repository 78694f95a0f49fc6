"""The `nissa` command: one subcommand a file, one clear line for each error."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from nissa.cli import config, dashboards, demo, runs, study
from nissa.cli.errors import UsageError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand. Returns the exit status.

    0, 1 for a run in which something could not be read, 2 for what the user can mend, 130 after Ctrl-C.
    """
    _write_what_can_be_written()
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except UsageError as error:
        sys.stderr.write(f"nissa {arguments.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output went away (`nissa replay RUN | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        sys.stderr.write(f"nissa {arguments.command}: {error}\n")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nissa", description="Telemetry for networks that grow while they train.")
    parser.add_argument("--version", action="version", version=f"nissa {version('nissa')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (demo.add, study.add, *runs.COMMANDS, *config.COMMANDS, dashboards.add):
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
