"""What commands that serve have in common: `--web-config`, and a port that is taken, or one line why not."""

import argparse
import socket
from pathlib import Path

from nissa.cli.errors import UsageError
from nissa.pipeline.config import ConfigError
from nissa.pipeline.web_config import guard_of
from nissa.sinks.packages import MissingPackageError
from nissa.sinks.serving import Guard, listening

__all__ = ["add_web_config", "taken"]


def add_web_config(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    help_web = (
        "who may read what is served: a YAML file with tls_server_config and basic_auth_users, as Prometheus has it"
    )
    parser.add_argument("--web-config", type=Path, metavar="FILE", help=help_web)


def taken(address: str, port: int, web_config: Path | None, hint: str = "") -> tuple[socket.socket, Guard]:
    """A socket that listens there, and who may ask. Raises UsageError."""
    try:
        guard = guard_of(web_config)
        return listening(address, port, guard), guard
    except (ConfigError, MissingPackageError) as error:
        raise UsageError(error) from None
    except OSError as error:
        raise UsageError(f"cannot listen on {error.strerror}{hint}") from None
