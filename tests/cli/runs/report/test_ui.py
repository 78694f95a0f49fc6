"""`nissa ui`: runs below a folder as they grow, on loopback, with nothing written to them and nothing else given."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.cli.runs.report.live import Folder, PageServer
from nissa.cli.runs.report.live.server import _told
from nissa.events.kinds import BatchCompleted
from nissa.pipeline.following import FOLLOWED as ROOM
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.serving import listening
from tests.addresses import free_address
from tests.cli.runs.report.test_report import HOSTILE, hostile, reported
from tests.waiting import until


@contextmanager
def served(root: Path) -> Iterator[PageServer]:
    folder = Folder(root)
    server = PageServer(folder, listening(*free_address()))
    folder.start()
    server.start()
    try:
        yield server
    finally:
        server.close()
        folder.close()


def asked(server: PageServer, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with closing(HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def told(server: PageServer, want: str = "") -> Any:
    status, content = asked(server, f"/data?want={want}")
    assert status == 200
    return json.loads(content)


def row(server: PageServer, name: str) -> Any:
    return next((run for run in told(server)["runs"] if run["name"] == name), None)


def files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_runs_are_found_at_any_depth_and_nothing_is_written_to_them(tmp_path: Path) -> None:
    for name in ("one", "deep/er/two", ".hidden/three"):
        hostile(tmp_path / name, name.rpartition("/")[2])
    before = files(tmp_path)
    with served(tmp_path) as server:
        until(lambda: len(told(server)["runs"]) == 2 and all(run["events"] for run in told(server)["runs"]))
        assert {run["name"] for run in told(server)["runs"]} == {"one", "two"}
        key = row(server, "two")["key"]
        assert told(server, f"{key}:-1")["pages"][key]["curves"]
    assert files(tmp_path) == before


def test_what_a_run_tells_is_there_while_it_goes_on(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert "No run below" in told(server)["note"]
        with Telemetry("live", out=tmp_path / "live") as telemetry:
            telemetry.emit(BatchCompleted(batch=0, loss=1.5))
            telemetry.flush()
            until(lambda: (row(server, "live") or {}).get("state") == "goes on")
            key = row(server, "live")["key"]
            page = told(server, f"{key}:-1")["pages"][key]
            telemetry.emit(BatchCompleted(batch=1, loss=2.5))
            telemetry.flush()
            until(lambda: told(server, f"{key}:{page['revision']}")["pages"])
            [line] = [c for c in told(server, f"{key}:-1")["pages"][key]["curves"] if c["chart"] == "loss"]
            assert line["value"] == [1.5, 2.5]
        until(lambda: row(server, "live")["state"] == "completed")
        last = told(server, f"{key}:-1")["pages"][key]["revision"]
        assert told(server, f"{key}:{last}")["pages"] == {}, "what is known is not sent again"


def test_it_shows_what_the_report_shows(tmp_path: Path) -> None:
    run = hostile(tmp_path / "runs/run", HOSTILE)
    written = reported(tmp_path / "page.html", run).data()["runs"][0]
    with served(tmp_path / "runs") as server:
        until(lambda: any(each["events"] == written["events"] for each in told(server)["runs"]))
        [one] = told(server)["runs"]
        page = told(server, f"{one['key']}:-1")["pages"][one["key"]]
    assert page["curves"] == written["curves"]
    assert (page["verdict"], page["alerts"]) == (written["verdict"], written["alerts"])


def test_a_page_that_cannot_be_made_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    for name in ("bad", "good"):
        hostile(tmp_path / name, name)
    folder.look()
    bad, good = (next(run for run in folder.runs.values() if run.directory.name == name) for name in ("bad", "good"))
    monkeypatch.setattr(bad, "pages", lambda _: 1 / 0)
    pages = json.loads(_told(folder, [(bad.key, -1), (good.key, -1)]))["pages"]
    assert pages[bad.key]["verdict"] == "cannot be drawn: ZeroDivisionError"
    assert "article" in pages[good.key]
    folder.close()


def test_a_run_of_which_nothing_can_be_told_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    for name in ("bad", "good"):
        hostile(tmp_path / name, name)
    folder.look()
    while folder.read():
        pass
    [bad] = [run for run in folder.runs.values() if run.directory.name == "bad"]
    monkeypatch.setattr(bad, "entry", lambda: 1 / 0)
    rows = {row["name"]: row for row in json.loads(_told(folder, []))["runs"]}
    assert rows["bad"].keys() >= rows["good"].keys()
    assert rows["bad"]["state"] == "cannot be told: ZeroDivisionError"
    assert rows["good"]["events"] > 0
    folder.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/../../../../etc/passwd", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/run/events-000001.jsonl", 404),
        ("/data/", 404),
        ("/data?want=../../etc/passwd:1,:::,x:-1", 200),
        ("/favicon.ico", 404),
    ],
)
def test_two_addresses_are_answered_and_no_file_is_given(path: str, status: int, tmp_path: Path) -> None:
    hostile(tmp_path / "run", "run")
    with served(tmp_path) as server:
        found, content = asked(server, path)
        assert found == status
        assert b"root:x:0" not in content


def test_nothing_is_answered_to_pages_from_elsewhere_nor_to_other_methods(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert asked(server, "/data", Host="evil.example")[0] == 421
        assert asked(server, "/data", Host="127.0.0.1.evil.example:6464")[0] == 421
        assert asked(server, "/data", Host="localhost:1")[0] == 200
        assert asked(server, "/data", "POST")[0] == 405


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "[", 400),
        ("http://[", "localhost", 400),
        (f"/data?want=x:{'9' * 5000}", "localhost", 400),
        ("/", "127.9.9.9", 200),
        ("/", "[::1]:1", 200),
        ("/", "8.8.8.8", 421),
    ],
)
def test_whatever_is_asked_has_an_answer(path: str, host: str, status: int, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert asked(server, path, Host=host)[0] == status


def test_every_address_of_loopback_is_loopback(tmp_path: Path) -> None:
    server = PageServer(Folder(tmp_path), listening("127.0.0.77", 0))
    assert server.is_local
    server.close()


def test_a_folder_of_any_name_can_be_told(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert json.loads(_told(Folder(root), []))["note"].startswith("No run below")


def test_a_request_in_small_pieces_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server._PATIENCE", 0.2)
    with served(tmp_path) as server:
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        with closing(socket.create_connection((host, int(port)))) as slow:

            def cut() -> bool:
                try:
                    slow.sendall(b"G")
                except OSError:
                    return True
                return False

            until(cut)


def test_a_run_that_cannot_be_read_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hostile(tmp_path / "run", "run")
    folder = Folder(tmp_path)
    folder.look()
    [run] = folder.runs.values()
    monkeypatch.setattr(run, "step", lambda: 1 / 0)
    folder.read()
    assert run.entry()["state"] == "cannot be read"
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    folder.close()


def test_a_run_that_takes_the_place_of_another_is_read_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name in ("first", "second"):
        # The first stays, elsewhere: a file system may give its number to the second.
        hostile(tmp_path.parent / f"{tmp_path.name}-{name}", name)
    for name in ("first", "second"):
        if (tmp_path / "run").exists():
            (tmp_path / "run").rename(tmp_path.parent / f"{tmp_path.name}-gone")
        (tmp_path.parent / f"{tmp_path.name}-{name}").rename(tmp_path / "run")
        folder.look()
        while folder.read():
            pass
        [run] = folder.runs.values()
        assert run.entry()["name"] == name
    folder.close()


def test_of_many_runs_the_newest_are_read_and_the_rest_are_counted(tmp_path: Path) -> None:
    for nth in range(ROOM + 3):
        (tmp_path / f"{nth:03}").mkdir()
        (tmp_path / f"{nth:03}/events-000001.jsonl").touch()
    folder = Folder(tmp_path)
    folder.look()
    assert (len(folder.runs), folder.left_out) == (ROOM, 3)
    (tmp_path / "000/events-000001.jsonl").unlink()
    folder.look()
    assert (len(folder.runs), folder.left_out) == (ROOM, 2)
    folder.close()


@pytest.mark.parametrize(("words", "says"), [(["nowhere"], "no such folder"), ([".", "--port", "PORT"], "--port 0")])
def test_what_cannot_be_done_is_said_in_a_line(
    words: list[str], says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(listening(*free_address())) as taken:
        port = str(taken.getsockname()[1])
        address = ["--address", taken.getsockname()[0]]
        assert main(["ui", *[port if word == "PORT" else word for word in words], *address]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count(address[1]) <= 1, "the address is named once"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """`nissa ui` as a user runs it: its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nissa.cli.main", "ui", str(tmp_path), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_the_command_says_where_it_is(command: Callable[[], str]) -> None:
    assert " at http://127.0.0.1:" in command()
