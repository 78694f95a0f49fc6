"""`nissa cluster run` without Flink, and with folders that would lose something: one clear line, and status 2."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from nissa.cli.cluster import run
from nissa.cli.main import main
from nissa.pipeline.cluster import Asked, restored
from tests.addresses import free_address
from tests.pipeline.cluster_watch.manager import NO_MANAGERS, saying


def command(tmp_path: Path, **changed: str) -> list[str]:
    folders = {"logs": tmp_path / "logs", "checkpoints": tmp_path / "checkpoints", "out": tmp_path / "out"}
    return [
        "cluster",
        "run",
        *(word for name, path in (folders | changed).items() for word in (f"--{name}", str(path))),
    ]


@pytest.fixture
def flink(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "logs").mkdir()
    with patch("importlib.util.find_spec"), patch("shutil.which"):
        yield


def test_without_flink_one_line_says_how_to_get_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nissa cluster: Flink is not installed")
    assert "make cluster" in line


@pytest.mark.usefixtures("flink")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"logs": "s3://bucket/logs"}, "object store"),
        ({"out": "s3://bucket/out"}, "object store"),
        ({"out": "{}/logs/out"}, "--out must not lie in --logs"),
        ({"checkpoints": "{}/out/c"}, "--checkpoints must not lie in --out"),
        ({"out": "{}/logs"}, "must not lie in"),
        ({"logs": "{}/nowhere"}, "no such folder"),
        ({"interval": "0"}, "--interval"),
    ],
)
def test_folders_that_would_lose_something_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], said: str
) -> None:
    words = {name: text.format(tmp_path) for name, text in changed.items()}
    with patch.object(run, "run_job", side_effect=AssertionError("it ran")):
        assert main(command(tmp_path, **words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.usefixtures("flink")
def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host, port = free_address()
    assert main([*command(tmp_path), "--jobmanager", f"{host}:{port}"]) == 2
    assert "no JobManager's REST" in capsys.readouterr().err


@pytest.mark.usefixtures("flink")
@pytest.mark.parametrize("answer", NO_MANAGERS.values(), ids=NO_MANAGERS)
def test_who_is_no_cluster_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    with saying(answer) as url:
        assert main([*command(tmp_path), "--jobmanager", url.removeprefix("http://")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no JobManager's REST" in line


@pytest.mark.usefixtures("flink")
def test_a_job_goes_on_from_its_last_whole_checkpoint_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Asked] = []
    with patch.object(run, "run_job", side_effect=asked.append):
        assert main(command(tmp_path)) == 0
        part = tmp_path / "out" / "derived" / "part-0.jsonl"
        part.parent.mkdir(parents=True)
        part.write_text("{}\n")
        assert main(command(tmp_path)) == 2
        assert "told twice" in capsys.readouterr().err
        (last := tmp_path / "checkpoints" / "job" / "chk-7").mkdir(parents=True)
        (last / "_metadata").touch()
        (tmp_path / "checkpoints" / "job" / "chk-8").mkdir()
        assert main(command(tmp_path)) == 0
        assert main(command(tmp_path, out=str(tmp_path / "elsewhere"))) == 2
        assert "is of another job" in capsys.readouterr().err
    assert [each.restore for each in asked] == [None, last.as_uri()]
    assert json.loads((tmp_path / "checkpoints" / "nissa.json").read_text())["out"] == str(tmp_path / "out")
    assert restored(asked[0]).restore == last.as_uri()
