"""A manifest may be anything: whoever reads a run says so, reads what is there, and goes on with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import DamagedManifestError, listed_segments
from tests.sinks.test_run_log import written

ROW = {"name": "events-000001.jsonl", "events": 3, "bytes": 5, "first_seq": 0, "last_seq": 2, "closed": True}
ODD: tuple[Any, ...] = ("x\x1b[2J", [], {}, -1, 1.5)
WRONG = {
    "empty": "",
    "cut": '{"segments": [',
    "null": "null",
    "list": "[]",
    "number": "5",
    "deep": "[" * 100_000,
    "binary": "\0\x1b",
    "huge": " " * (17 << 20) + "{}",
    **{
        name: json.dumps({"segments": segments})
        for name, segments in {
            "no list": 5,
            "mapping": {"a": ROW},
            "text": "events",
            "row null": [None],
            "row text": ["events-000001.jsonl"],
            "row list": [[1]],
            "no name": [{"closed": True, "bytes": 1}],
            **{f"{key} {value}": [ROW | {key: value}] for key in ROW for value in ODD},
        }.items()
        if name not in {"name x\x1b[2J"}
    },
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_manifest_of_a_wrong_form_is_said_and_the_run_is_read_and_goes_on(tmp_path: Path, text: str) -> None:
    run = written(tmp_path / "run", 3)
    (run / "manifest.json").write_text(text)
    found = replay(run).reading
    assert found.read == 3
    assert "manifest.json: " in found.problems[0]
    with Telemetry(out=run, resume=True):
        pass
    again = replay(run).reading
    assert again.read > 3
    assert again.problems == []


def test_rows_of_closed_segments_are_handed_out_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"segments": [ROW, ROW | {"closed": False}]}))
    assert listed_segments(tmp_path) == [ROW]
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(DamagedManifestError, match="No such file"):
        listed_segments(tmp_path)
