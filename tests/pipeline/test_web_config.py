"""The file that says who may read what is served: what is wrong with it is said with file and field, and no secret."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from nissa.cli.main import main
from nissa.pipeline.config import ConfigError
from nissa.pipeline.telemetry import Telemetry
from nissa.pipeline.web_config import guard_of
from nissa.sinks.serving import OPEN
from tests.secured import certificate, web_config

HASH = "$2b$10$abcdefghijklmnopqrstuu5uIFxaeNJTtNAIN17NoRpA.uIHQ2VOi"


def test_without_a_file_nobody_is_kept_out() -> None:
    assert guard_of(None) is OPEN


@pytest.mark.parametrize(
    ("said", "complains"),
    [
        ("", "keeps nobody out: it must have tls_server_config or basic_auth_users"),
        ("basic_auth_users: {}", "keeps nobody out"),
        ("- hunter2", "must hold tls_server_config or basic_auth_users, and what belongs to them"),
        ("hunter2", "must hold tls_server_config or basic_auth_users, and what belongs to them"),
        ("a: [", "while parsing"),
        ("tls_config: {}", "there is no key 'tls_config': choose from tls_server_config, basic_auth_users"),
        ("tls_server_config: 5", "tls_server_config must have cert_file and key_file"),
        ("tls_server_config: {cert_file: a, key_file: b, ca: c}", "tls_server_config: there is no key 'ca'"),
        ("tls_server_config: {key_file: b}", "tls_server_config.cert_file must be the path of a file"),
        ("tls_server_config: {cert_file: no.crt, key_file: b}", "tls_server_config.cert_file: "),
        ('tls_server_config: {cert_file: "a\\0", key_file: b}', "tls_server_config.cert_file: "),
        ("tls_server_config: {cert_file: web.yml, key_file: web.yml}", "are no certificate with its key"),
        ("basic_auth_users: [a]", "basic_auth_users must have names with bcrypt hashes"),
        ("basic_auth_users: {sre: hunter2}", "basic_auth_users.sre must be a bcrypt hash"),
        (f"basic_auth_users: {{sre: {HASH.replace('$10$', '$31$')}}}", "with a cost of 4 to 14"),
        (f"basic_auth_users: {{sre: {HASH}x}}", "must be a bcrypt hash"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "'a:b' must be a text without a colon"),
        (f"basic_auth_users: {{7: {HASH}}}", "7 must be a text without a colon"),
        (f"basic_auth_users: {{a: {HASH}, a: {HASH}}}", "given twice"),
        ("a: &x [1]\nb: *x", "aliases are not read here"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_file_and_field(said: str, complains: str, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(said)
    with pytest.raises(ConfigError) as error:
        guard_of(file)
    (line,) = str(error.value).splitlines()
    assert line.startswith(str(file))
    assert complains in line
    assert "hunter2" not in line, "it may be a password"


def test_a_key_that_asks_for_a_password_is_an_error(tmp_path: Path) -> None:
    _, key = certificate(tmp_path)
    locked = ["openssl", "ec", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", str(tmp_path / "locked")]
    subprocess.run(locked, check=True, capture_output=True)
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: locked}")
    with pytest.raises(ConfigError, match="are no certificate with its key"):
        guard_of(tmp_path / "web.yml")


@pytest.mark.parametrize(("mode", "lines"), [(0o600, 0), (0o640, 0), (0o644, 1)])
def test_a_key_that_everybody_may_read_is_told(
    mode: int, lines: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = web_config(tmp_path, users=False)
    (tmp_path / "server.key").chmod(mode)
    guard_of(file)
    told = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [f"{tmp_path / 'server.key'}: everybody on this machine may read this key: chmod 600 it"] * lines


@pytest.mark.parametrize("said", ["", "no.yml", "\0"])
@pytest.mark.parametrize("how", ["argument", "config"])
def test_a_file_that_cannot_be_read_is_an_error_and_never_an_open_door(said: str, how: str) -> None:
    given = {"web_config": said} if how == "argument" else {"config": {"web_config": said}}
    with pytest.raises(ConfigError, match="cannot be read"):
        Telemetry("run", metrics=0, **given)


@pytest.mark.parametrize("command", [["serve", "RUN"], ["collect", "RUN", "--metrics", "0"], ["ui", "."], ["demo"]])
def test_each_command_that_serves_takes_it(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Telemetry("run", out=tmp_path / "run").close()
    words = [str(tmp_path / "run") if word == "RUN" else word for word in command]
    assert main([*words, "--web-config", "no.yml"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"nissa {command[0]}: no.yml: cannot be read: No such file or directory"
    )


def test_without_bcrypt_it_is_said_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['bcrypt'] = None\n"
        "from nissa.pipeline.web_config import guard_of\n"
        "try: guard_of(sys.argv[1])\n"
        "except ImportError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(web_config(tmp_path, tls=False))]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "bcrypt is not installed: pip install 'nissa[auth]'\n"
