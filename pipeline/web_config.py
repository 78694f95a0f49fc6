"""Who may read what is served? A file says it, in the form of Prometheus' own `web.config.file`.

tls_server_config: {cert_file: server.crt, key_file: server.key}
basic_auth_users: {sre: $2y$10$...}
"""

import logging
import re
import ssl
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from nissa.pipeline.config import ConfigError, value
from nissa.sinks.printable import shortened
from nissa.sinks.serving import OPEN, Guard

__all__ = ["guard_of"]

_TLS, _USERS = "tls_server_config", "basic_auth_users"
_LONGEST = 1_000_000
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_COSTS = range(4, 15)
"""Of bcrypt: one more takes twice as long, and 14 a second."""

_log = logging.getLogger("nissa")


def guard_of(web_config: Path | str | None) -> Guard:
    """What a file says; without one, nobody is kept out. Paths in it are from its own folder.

    Raises ConfigError, in a line with file and field, and MissingPackageError where there are users and no bcrypt.
    """
    if web_config is None:
        return OPEN
    file = Path(web_config)
    said = value(_text(file), str(file)) or {}
    if not isinstance(said, dict):  # what it is instead may be a password
        raise ConfigError(f"{file}: must hold {_TLS} or {_USERS}, and what belongs to them")
    _refuse_others(said, (_TLS, _USERS), str(file))
    if not any(said.values()):
        raise ConfigError(f"{file}: keeps nobody out: it must have {_TLS} or {_USERS}")
    tls = _tls(file, said[_TLS]) if said.get(_TLS) else None
    return Guard(tls, _users(file, said.get(_USERS) or {}), file)


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_LONGEST)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _tls(file: Path, said: object) -> ssl.SSLContext:
    if not isinstance(said, Mapping):
        raise ConfigError(f"{file}: {_TLS} must have cert_file and key_file")
    _refuse_others(said, ("cert_file", "key_file"), f"{file}: {_TLS}")
    certificate, key = (_named(file, said, name) for name in ("cert_file", "key_file"))
    if key.stat().st_mode & stat.S_IROTH:
        _log.warning("%s: everybody on this machine may read this key: chmod 600 it", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        wrong = shortened(str(error))
        raise ConfigError(f"{file}: {_TLS}: cert_file and key_file are no certificate with its key: {wrong}") from None
    return context


def _named(file: Path, said: Mapping[Any, Any], name: str) -> Path:
    """The file of that name. Raises ConfigError where it cannot be read."""
    if not isinstance(said.get(name), str) or not said[name]:
        raise ConfigError(f"{file}: {_TLS}.{name} must be the path of a file")
    path = file.parent / str(said[name])
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        wrong = getattr(error, "strerror", None) or error
        raise ConfigError(f"{file}: {_TLS}.{name}: {path} cannot be read: {wrong}") from None
    return path


def _users(file: Path, said: object) -> dict[str, bytes]:
    if not isinstance(said, Mapping):
        raise ConfigError(f"{file}: {_USERS} must have names with bcrypt hashes")
    return {_name(file, name): _hash(file, name, kept) for name, kept in said.items()}


def _name(file: Path, name: object) -> str:
    if not isinstance(name, str) or not name or ":" in name:
        raise ConfigError(f"{file}: {_USERS}: {shortened(repr(name), 100)} must be a text without a colon")
    return name


def _hash(file: Path, name: str, kept: object) -> bytes:
    """The hash, which no error quotes: it may be a password."""
    found = _HASH.fullmatch(kept) if isinstance(kept, str) else None
    if not found or int(found[1]) not in _COSTS:
        costs = f"{_COSTS[0]} to {_COSTS[-1]}"
        raise ConfigError(
            f"{file}: {_USERS}.{shortened(name, 100)} must be a bcrypt hash with a cost of {costs}, "
            f"such as `htpasswd -nBC 10 NAME` makes"
        )
    return found[0].encode()


def _refuse_others(said: Mapping[Any, Any], keys: Collection[str], where: str) -> None:
    for key in said:
        if key not in keys:
            raise ConfigError(f"{where}: there is no key {shortened(repr(key), 100)}: choose from {', '.join(keys)}")
