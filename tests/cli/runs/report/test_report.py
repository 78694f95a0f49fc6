"""`nissa report`: one file, whose figures are those of `nissa replay`, and in which every name is text."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted, EpisodeEnded, EpochCompleted, SeedGerminated
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry

HOSTILE = "\"><script>window.hit=1</script><img src=x onerror='window.hit=1'>&amp;\u202e\x1b[31m"
SECTIONS = [
    *("Overview", "Blueprints", "Lives of seeds", "Attribution", "Policy", "Network health", "Scalars"),
    "Alerts and traces",
    *("Episodes", "Reproducibility"),
]


class Parsed(HTMLParser):
    """Its tags with their attributes, and its texts by the tag that they stand in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    def data(self) -> Any:
        """What the curves are made of."""
        return json.loads(next(text for tag, text in self.texts if tag == "script"))


def reported(out: Path, *runs: Path) -> Parsed:
    assert main(["report", *map(str, runs), "-o", str(out)]) == 0
    return Parsed(out.read_text())


@pytest.fixture(scope="module")
def page(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return reported(tmp_path_factory.mktemp("report") / "report.html", demo)


def curves(page: Parsed, chart: str) -> Iterator[Any]:
    return (curve for run in page.data()["runs"] for curve in run["curves"] if curve["chart"] == chart)


def test_it_has_every_section(page: Parsed) -> None:
    assert [text for tag, text in page.texts if tag == "h3"] == SECTIONS


def test_it_asks_nobody_and_runs_its_own_script_alone(page: Parsed) -> None:
    policy = next(held["content"] for tag, held in page.tags if tag == "meta" and "content" in held)
    scripts = [text for tag, text in page.texts if tag == "script"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    for kind, content in (("script", scripts[1]), ("style", "".join(t for tag, t in page.texts if tag == "style"))):
        assert f"{kind}-src 'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'" in policy
    assert [held for _, held in page.tags if {"src", "style", "onclick", "onerror"} & {*held}] == []
    assert {held["href"] for _, held in page.tags if "href" in held} == {"#curves", "#articles"}


def test_its_figures_are_those_of_a_replay(page: Parsed, demo: Path) -> None:
    tables = replay(demo).tables.snapshot()
    words = " ".join(text for _, text in page.texts)
    for row in tables["blueprints"]:
        for figure in ("net_gain_mean", "net_gain_low", "net_gain_high"):
            assert row[figure] is None or f"{row[figure]:+.2f}" in words
    for row in tables["verdicts"]:
        assert f"{row['kept_training_delta_mean']:+.2f}" in page.data()["runs"][0]["verdict"]


def test_a_curve_holds_what_the_log_holds(page: Parsed, demo: Path) -> None:
    told: dict[str, list[float]] = {}

    def take(event: Any) -> None:
        if isinstance(event.payload, EpochCompleted):
            told.setdefault(f"{event.scope.group} env {event.scope.env}", []).append(event.payload.val_accuracy or nan)

    replay(demo, [take])
    drawn = {curve["place"]: curve["value"] for curve in curves(page, "val_accuracy") if not curve["twin"]}
    assert {*drawn} == {*told}
    for place, values in told.items():
        assert drawn[place] == [float(f"{value:.6g}") for value in values]


def test_the_twin_stands_at_the_epochs_of_its_network(page: Parsed) -> None:
    lines = {curve["twin"]: curve for curve in curves(page, "val_accuracy") if curve["place"].endswith("env 0")}
    assert lines[True]["at"] == lines[False]["at"]
    assert lines[True]["unit"] == "percent"


def hostile(out: Path, name: str) -> Path:
    with Telemetry(name, out=out) as telemetry:
        place = telemetry.scope(group=name, env=name, episode=0, epoch=1)
        place.emit(SeedGerminated(slot=name, seed=name, blueprint=name))
        place.emit(BatchCompleted(batch=0, loss=nan))
        place.emit(EpochCompleted(val_accuracy=50.0))
        place.emit(EpisodeEnded(outcome=name))
    return out


@pytest.mark.parametrize("name", [HOSTILE, "n" * 300, "</script><b>", "${1}{{2}}<!--"])
def test_a_hostile_name_is_text(name: str, tmp_path: Path) -> None:
    plain = reported(tmp_path / "plain.html", hostile(tmp_path / "plain", "plain"))
    page = reported(tmp_path / "page.html", hostile(tmp_path / "run", name))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags], "a name brings no element"
    words = "".join(text for tag, text in page.texts if tag not in {"script", "style"})
    assert name[:8].replace("\x1b", "\\x1b") in words
    assert "\x1b" not in words
    assert "\u202e" not in words


def test_broken_values_are_told_as_such(tmp_path: Path) -> None:
    page = reported(tmp_path / "page.html", hostile(tmp_path / "run", "run"))
    [line] = curves(page, "loss")
    assert (line["value"], line["broken"], line["seen"]) == (["nan"], 1, 1)


def test_episodes_and_batches_that_begin_anew_stand_behind(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        for episode in range(2):
            for epoch in (1, 2, 3):
                telemetry.scope(env=0, episode=episode, epoch=epoch).emit(EpochCompleted(val_loss=1.0))
    [line] = curves(reported(tmp_path / "page.html", tmp_path / "run"), "val_loss")
    assert (line["at"], line["episode"]) == ([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1])


def test_many_points_and_lines_have_room_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        for nth in range(20_000):
            telemetry.scope(env=nth % 4, episode=0, epoch=1).emit(BatchCompleted(batch=nth, loss=(nth * 7919) % 1000))
        telemetry.scope(env=0, episode=0, epoch=1).emit(BatchCompleted(batch=0, loss=1e9))
        telemetry.flush()
    lines = [*curves(reported(tmp_path / "page.html", tmp_path / "run"), "loss")]
    seen = sum(line["seen"] for line in lines)
    assert seen == replay(tmp_path / "run").reading.by_kind["batch_completed"]
    assert all(len(line["value"]) <= 4 * 800 < line["seen"] for line in lines)
    assert max(value for line in lines for value in line["value"]) == 1e9


def test_several_runs_stand_on_one_page(tmp_path: Path) -> None:
    runs = [hostile(tmp_path / name, name) for name in ("one", "two")]
    page = reported(tmp_path / "page.html", *runs)
    assert [run["name"] for run in page.data()["runs"]] == ["one", "two"]
    assert [held["data-run"] for _, held in page.tags if "data-run" in held] == ["r1", "r2"]


def test_runs_of_one_name_are_told_apart_and_one_run_is_taken_once(tmp_path: Path) -> None:
    runs = [hostile(tmp_path / folder, "same") for folder in ("one", "two")]
    page = reported(tmp_path / "page.html", *runs, tmp_path / "one/../two")
    assert [run["name"] for run in page.data()["runs"]] == [f"same ({run})" for run in runs]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "no such file"),
        (["RUN", "-o", "nowhere/x.html"], "give a file in a folder that is there"),
        (["RUN", "-o", "."], "give a file"),
        ([f"run{n}" for n in range(51)], "50 runs"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile(tmp_path / "RUN", "run")
    assert main(["report", *words]) == 2
    assert re.search(says, capsys.readouterr().err)
    assert [*tmp_path.glob("*.html")] == []


@pytest.mark.parametrize("name", ["run/events-000001.jsonl", "run/new.html", "pipe", "link", "hard"])
def test_a_report_replaces_no_run_and_nothing_but_a_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = hostile(tmp_path / "run", "run") / "events-000001.jsonl"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(log)
    (tmp_path / "hard").hardlink_to(log)
    before = log.read_bytes()
    run = log if name == "hard" else tmp_path / "run"
    assert main(["report", str(run), "-o", str(tmp_path / name)]) == 2
    assert "no file that a report may replace" in capsys.readouterr().err
    assert log.read_bytes() == before
    assert (tmp_path / "pipe").is_fifo()
    assert not (tmp_path / "run/new.html").exists()


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    run = hostile(tmp_path / "run", "run")
    script = (
        "import sys; from nissa.cli.main import main; "
        f"assert main(['report', {str(run)!r}, '-o', {str(tmp_path / 'x.html')!r}]) == 0; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'duckdb', 'pyarrow')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
