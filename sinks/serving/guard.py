"""Who may ask? Whoever knows a password, if there are any, over TLS, if there is a certificate.

>>> guard = Guard(users={"sre": b"$2b$04$abcdefghijklmnopqrstuuDnM7oRe/lzZkMqdRZQMgGL/B9BDQrsu"})
>>> guard.admits("Basic c3JlOndyb25n"), guard.admits(""), OPEN.admits("")
(False, False, True)
"""

import hmac
import os
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nissa.sinks.packages import needed

__all__ = ["OPEN", "Guard"]

_NOBODY = b"$2b$10$abcdefghijklmnopqrstuu5uIFxaeNJTtNAIN17NoRpA.uIHQ2VOi"
"""What the password of an unknown name is held against, so that it takes as long."""


@dataclass(frozen=True)
class Guard:
    """What a `web_config` file says. `users` are bcrypt hashes by name. Raises MissingPackageError without bcrypt."""

    tls: ssl.SSLContext | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    file: Path | None = None
    """Where it was said."""
    _known: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)
    """By name, a digest of what was admitted last: a hash takes far too long to be made for each scrape."""
    _key: bytes = field(default_factory=lambda: os.urandom(32), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.users:
            needed("bcrypt", "nissa[auth]")

    def lacks(self) -> str:
        """What others could do at an address that they reach, in a line; "" where that is nothing."""
        if not self.users:
            return "whoever reaches this address can read it: give `web_config` a file with `basic_auth_users`"
        if not self.tls:
            return "passwords cross the network as plain text: give the file of `web_config` a `tls_server_config`"
        return ""

    def knows(self, authorization: str) -> bool:
        """Whether that was admitted before, or nothing is asked; in no time."""
        name, _ = _credentials(authorization)
        known = self._known.get(name)
        return not self.users or (known is not None and hmac.compare_digest(known, self._digest(authorization)))

    def admits(self, authorization: str) -> bool:
        """Whether the header of that name has a password that is right. It takes as long as bcrypt does."""
        if self.knows(authorization):
            return True
        name, password = _credentials(authorization)
        if not _matches(password, self.users.get(name, _NOBODY)) or name not in self.users:
            return False
        self._known[name] = self._digest(authorization)
        return True

    def _digest(self, authorization: str) -> bytes:
        return hmac.digest(self._key, authorization.encode(), "sha256")


OPEN = Guard()
"""Keeps nobody out."""


def _credentials(authorization: str) -> tuple[str, bytes]:
    """Name and password; ("", b"") where the header has another form."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, colon, password = b64decode(encoded, validate=True).partition(b":")
        return (name.decode(), password) if scheme.lower() == "basic" and colon else ("", b"")
    except ValueError:
        return "", b""


def _matches(password: bytes, kept: bytes) -> bool:
    try:
        return bool(needed("bcrypt").checkpw(password, kept))
    except ValueError:
        # A password that bcrypt takes none of: too long, or with a NUL.
        return False
