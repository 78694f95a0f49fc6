"""A certificate for 127.0.0.1, a file that asks for it and for a password, and what a client makes of both."""

import shutil
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path

import bcrypt
import pytest

__all__ = ["PASSWORD", "USER", "basic", "certificate", "trusting", "web_config"]

USER, PASSWORD = "sre", "correct horse"
_SIGNED = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
_NAMED = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")


def certificate(directory: Path) -> tuple[Path, Path]:
    """A new certificate, and its key, which nobody else may read."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine: apt-get install openssl")
    made, key = directory / "server.crt", directory / "server.key"
    files = ["-out", str(made), "-keyout", str(key)]
    subprocess.run(["openssl", *_SIGNED, *_NAMED, *files], check=True, capture_output=True)
    key.chmod(0o600)
    return made, key


def web_config(directory: Path, *, tls: bool = True, users: bool = True) -> Path:
    """A file that asks for what is named, with all that it needs beside it."""
    file, said = directory / "web.yml", ""
    if tls:
        made, key = certificate(directory)
        said += f"tls_server_config:\n  cert_file: {made.name}\n  key_file: {key.name}\n"
    if users:
        said += f"basic_auth_users:\n  {USER}: {bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n"
    file.write_text(said)
    return file


def trusting(directory: Path) -> ssl.SSLContext:
    """What a client needs that believes the certificate there."""
    return ssl.create_default_context(cafile=str(directory / "server.crt"))


def basic(user: str = USER, password: str = PASSWORD) -> str:
    """The header's value."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
