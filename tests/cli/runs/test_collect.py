"""`nissa collect` works off what a trainer left behind, of several runs too, and says what it found."""

import threading
import urllib.request
from pathlib import Path

import pytest

from nissa.cli.main import main
from nissa.pipeline.collector import Collecting
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.serving import listening, url
from tests.pipeline.collector.runs import DERIVED, LOG, emitted_only, following, recorded, tell_epoch
from tests.waiting import LIMIT, until

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return recorded(tmp_path_factory.mktemp("recorded") / "run", epochs=7)


def left_behind(directory: Path, log: bytes) -> Path:
    directory.mkdir()
    (directory / LOG).write_bytes(log)
    return directory


def test_several_runs_are_worked_off_at_once_and_each_is_told(tmp_path: Path, log: bytes, capsys: Capture) -> None:
    runs = [left_behind(tmp_path / name, emitted_only(log)) for name in ("a", "b")]
    assert main(["collect", *map(str, runs)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for run in runs:
        assert (run / DERIVED).read_bytes() == following(log)
        lines = following(log).count(b"\n"), emitted_only(log).count(b"\n")
        assert f"{run}: ended; {lines[1]} events; {lines[0]} derived events were written, 0 were there." in out
    assert main(["collect", str(runs[0])]) == 0
    assert f"0 derived events were written, {lines[0]} were there." in " ".join(capsys.readouterr().out.split())


def test_a_live_run_of_one_process_is_followed_to_its_end_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    ended = list[int]()
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        tell_epoch(telemetry, 0, 1)
        assert telemetry.flush(LIMIT)
        thread = threading.Thread(target=lambda: ended.append(main(["collect", str(tmp_path / "run")])))
        thread.start()
        until((tmp_path / "run" / DERIVED).exists)
        for epoch in range(2, 7):
            tell_epoch(telemetry, 0, epoch)
            assert telemetry.flush(LIMIT)
        assert thread.is_alive()
    thread.join(LIMIT)
    assert ended == [0]
    assert (tmp_path / "run" / DERIVED).read_bytes() == b""
    result = replay(tmp_path / "run")
    assert (result.different, result.only_recorded, result.only_computed) == (0, 0, 0)


def test_metrics_are_served_while_a_run_is_followed(
    tmp_path: Path, log: bytes, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, scraped = Collecting.follow, list[str]()

    def scrape(collecting: Collecting) -> None:
        follow(collecting)
        (address,) = (word for word in capsys.readouterr().out.split() if word.startswith("http"))
        with urllib.request.urlopen(address.rstrip(";")) as answer:
            scraped.append(answer.read().decode())

    monkeypatch.setattr(Collecting, "follow", scrape)
    assert main(["collect", str(left_behind(tmp_path / "a", emitted_only(log))), "--metrics", "0"]) == 0
    assert 'nissa_seeds_germinated_total{blueprint="norm",env="2",group="ppo",run="run"} 7.0' in scraped[0]


def test_the_terminal_shows_the_run(tmp_path: Path, log: bytes, capsys: Capture) -> None:
    run = left_behind(tmp_path / "a", emitted_only(log))
    assert main(["collect", str(run), "--terminal", "--no-color"]) == 0
    assert "germinated   early: norm (s1), 4 params" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--metrics", "nowhere"], ["--metrics", "99999"]])
def test_metrics_that_are_no_address_are_an_error(
    tmp_path: Path, log: bytes, capsys: Capture, words: list[str]
) -> None:
    assert main(["collect", str(left_behind(tmp_path / "a", log)), *words]) == 2
    assert "metrics must be a port" in capsys.readouterr().err


def test_a_port_in_use_and_a_directory_without_a_run_are_errors(tmp_path: Path, log: bytes, capsys: Capture) -> None:
    run = left_behind(tmp_path / "a", log)
    with listening("127.0.0.1", 0) as taken:
        place = url(taken, "").removeprefix("http://")
        assert main(["collect", str(run), "--metrics", place]) == 2
        assert f"cannot listen on {place}" in capsys.readouterr().err
    assert main(["collect", str(tmp_path)]) == 2
    assert "this directory holds no run" in capsys.readouterr().err
    assert main(["collect", str(run), str(run)]) == 2
    assert "another process collects this run" in capsys.readouterr().err
    assert main(["collect", str(run)]) == 0
