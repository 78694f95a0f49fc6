"""Passwords and TLS: who has neither is told so and given nothing, and a real Prometheus that has both scrapes."""

import shutil
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nissa.cli.runs.report.live import Folder, PageServer
from nissa.pipeline.telemetry import Telemetry
from nissa.pipeline.web_config import guard_of
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.serving import OPEN, Guard, listening
from tests.prometheus import Prometheus
from tests.secured import PASSWORD, USER, basic, trusting, web_config
from tests.waiting import LIMIT

Asked = tuple[int, str | None, bytes]


@contextmanager
def served(guard: Guard) -> Iterator[str]:
    server = MetricsServer(PrometheusSink(), listening("127.0.0.1", 0, guard), guard)
    server.start()
    try:
        yield server.url
    finally:
        server.close()


def asked(url: str, authorization: str | None = None, tls: ssl.SSLContext | None = None) -> Asked:
    place = urlsplit(url)
    host, port = str(place.hostname), int(place.port or 0)
    made = HTTPSConnection(host, port, timeout=LIMIT, context=tls) if tls else HTTPConnection(host, port, timeout=LIMIT)
    with closing(made) as connection:
        connection.request("GET", place.path, headers={"Authorization": authorization} if authorization else {})
        answer = connection.getresponse()
        return answer.status, answer.headers["WWW-Authenticate"], answer.read()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic(password="wrong"),
        basic(user="nobody"),
        basic(user="", password=""),
        basic(password="x" * 100),
        basic(password="correct horse\0"),
        f"Bearer {basic().split()[1]}",
        "Basic",
        "Basic ====",
        "Basic c3Jl",
    ],
)
def test_who_has_no_right_password_is_told_what_is_asked_and_given_nothing(
    authorization: str | None, tmp_path: Path
) -> None:
    with served(guard_of(web_config(tmp_path, tls=False))) as url:
        status, asks, content = asked(url, authorization)
    assert (status, asks) == (401, 'Basic realm="nissa", charset="UTF-8"')
    assert b"nissa_" not in content


def test_who_has_it_is_answered_and_a_wrong_one_is_refused_after_it_too(tmp_path: Path) -> None:
    with served(guard_of(web_config(tmp_path, tls=False))) as url:
        told = [asked(url, basic(password=each))[0] for each in (PASSWORD, "wrong", PASSWORD, PASSWORD[:-1])]
    assert told == [200, 401, 200, 401]


def test_what_was_admitted_once_is_not_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = guard_of(web_config(tmp_path, tls=False))
    assert guard.admits(basic())
    monkeypatch.setattr("nissa.sinks.serving.guard._matches", lambda *_: 1 / 0)
    assert guard.admits(basic())
    assert guard.knows(basic())
    assert not guard.knows(basic(password="wrong"))


def test_an_unknown_name_takes_a_hash_as_a_known_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, hashed = guard_of(web_config(tmp_path, tls=False)), list[bytes]()

    def matches(_: bytes, kept: bytes) -> bool:
        hashed.append(kept)
        return True

    monkeypatch.setattr("nissa.sinks.serving.guard._matches", matches)
    assert not guard.admits(basic(user="nobody")), "even where its password is the one that nobody has"
    assert len(hashed) == 1


def test_over_tls_it_is_given_and_without_tls_nothing_is(tmp_path: Path) -> None:
    guard = guard_of(web_config(tmp_path))
    with served(guard) as url:
        assert url.startswith("https://127.0.0.1:")
        assert asked(url, basic(), trusting(tmp_path))[0] == 200
        assert asked(url, None, trusting(tmp_path))[0] == 401
        with pytest.raises((OSError, HTTPException)):
            asked(url, basic())
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            asked(url, basic(), ssl.create_default_context())
        assert asked(url, basic(), trusting(tmp_path))[0] == 200


def test_old_tls_is_refused(tmp_path: Path) -> None:
    guard = guard_of(web_config(tmp_path))
    assert guard.tls
    assert guard.tls.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_page_of_runs_is_kept_by_the_same_file(tmp_path: Path) -> None:
    guard = guard_of(web_config(tmp_path))
    server = PageServer(Folder(tmp_path), listening("127.0.0.1", 0, guard), guard)
    server.start()
    try:
        assert asked(server.url, None, trusting(tmp_path))[0] == 401
        assert asked(f"{server.url}data", basic(), trusting(tmp_path))[0] == 200
    finally:
        server.close()


@pytest.mark.parametrize("collector", [None, "process"])
@pytest.mark.parametrize("how", ["argument", "config"])
def test_a_run_is_kept_by_it_in_whichever_process_it_is_served(collector: None, how: str, tmp_path: Path) -> None:
    file = web_config(tmp_path)
    said = {"web_config": file} if how == "argument" else {"config": {"web_config": str(file)}}
    with Telemetry("kept", out=tmp_path / "run", metrics=0, collector=collector, linger=0, **said) as telemetry:
        url = str(telemetry.metrics_url)
        assert url.startswith("https://")
        assert asked(url, basic(user="nobody"), trusting(tmp_path))[0] == 401
        assert b"nissa_" in asked(url, basic(), trusting(tmp_path))[2]


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on this machine")
def test_a_real_prometheus_scrapes_with_certificate_and_password_and_not_without(tmp_path: Path) -> None:
    ways = {
        "both": f"scheme: https\n    tls_config: {{ca_file: server.crt}}\n    {_login(PASSWORD)}",
        "wrong": f"scheme: https\n    tls_config: {{ca_file: server.crt}}\n    {_login('wrong')}",
        "nameless": "scheme: https\n    tls_config: {ca_file: server.crt}",
        "plain": _login(PASSWORD),
        "unsure": f"scheme: https\n    {_login(PASSWORD)}",
    }
    with served(guard_of(web_config(tmp_path))) as url:
        target = f"static_configs: [{{targets: ['{urlsplit(url).netloc}']}}]"
        jobs = "".join(f"  - job_name: {name}\n    {how}\n    {target}\n" for name, how in ways.items())
        (tmp_path / "targets.json").write_text("[]")
        prometheus = Prometheus(tmp_path, jobs)
        try:
            prometheus.wait(lambda: prometheus.query('nissa_pipeline_accepted_total{job="both"}'))
            prometheus.wait(lambda: len(prometheus.query("up")) == len(ways))
            found = {labels["job"]: value for labels, value in prometheus.query("max_over_time(up[1m])")}
        finally:
            prometheus.stop()
    assert found == {"both": 1.0, "wrong": 0.0, "nameless": 0.0, "plain": 0.0, "unsure": 0.0}


def _login(password: str) -> str:
    return f"basic_auth: {{username: {USER}, password: {password}}}"


@pytest.mark.parametrize(
    ("address", "given", "says"),
    [
        ("127.0.0.1", "nothing", ""),
        ("127.0.0.77", "nothing", ""),
        ("0.0.0.0", "nothing", "whoever reaches this address can read it: give `web_config` a file"),
        ("0.0.0.0", "tls", "whoever reaches this address can read it"),
        ("0.0.0.0", "users", "passwords cross the network as plain text"),
        ("0.0.0.0", "tls users", ""),
    ],
)
def test_what_others_can_read_is_said_in_one_line(
    address: str, given: str, says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guard = OPEN
    if given != "nothing":
        guard = guard_of(web_config(tmp_path, tls="tls" in given, users="users" in given))
    listening(address, 0, guard).close()
    assert len(caplog.records) == bool(says)
    assert says in caplog.text


@pytest.mark.parametrize("collector", [None, "process"])
def test_a_run_served_to_all_says_so_once(collector: None, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Telemetry("all", out=tmp_path / "run", metrics="0.0.0.0:0", collector=collector, linger=0):
        pass
    assert [record.levelname for record in caplog.records if "web_config" in record.message] == ["WARNING"]
