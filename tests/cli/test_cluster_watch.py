"""`nissa cluster watch` serves what its watchdog sees, and says in a line what is wrong with what it is given."""

import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from nissa.cli.main import main
from tests.pipeline.cluster_watch.manager import answering, recorded


def test_it_serves_what_it_sees_beside_a_manager_that_does_not_know_its_job(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "events-000001.jsonl").write_bytes(b"1\n")
    words = ["cluster", "watch", "--logs", str(tmp_path), "--out", str(tmp_path / "out"), "--port", "0"]
    with answering(recorded()) as rest:
        command = [sys.executable, "-m", "nissa.cli.main", *words, "--rest", rest]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout
            try:
                said = watching.stdout.readline()
                address = said.split(" at ")[1].split(";")[0]
                with urlopen(address) as answer:
                    told = answer.read().decode()
            finally:
                watching.kill()
    assert f"Watching the job over {tmp_path}" in said
    assert "nissa_cluster_up 0.0\n" in told
    assert 'nissa_cluster_run_stalled_seconds{run="a"} ' in told
    assert "nissa_scrapes_total 0.0\n" in told


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--logs", "nowhere"], "there is no such folder"), (["--logs", ".", "--rest", "localhost:8081"], "give a URL")],
)
def test_what_it_cannot_watch_is_said_in_a_line(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "watch", "--out", "out", *more]) == 2
    assert said in capsys.readouterr().err
