"""What commands say of a run in which nothing grows: no table of seeds, no advice on growth, and a word for why."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nissa.cli.main import main
from nissa.cli.monitor.looks import Look, Looks
from nissa.cli.monitor.overview import overview
from nissa.cli.monitor.series import accuracies
from nissa.events.kinds import EpisodeEnded, EpochCompleted, SeedGerminated
from nissa.pipeline.telemetry import Telemetry
from tests.unseeded import plain, policy
from tests.waiting import until

GROWS = re.compile(r"fossil|twin|Kept|kept:|Shapley|efficiency|More environments", re.IGNORECASE)
"""Words of those whose networks grow."""


@pytest.fixture(scope="module", params=[plain, policy], ids=["plain", "policy"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("unseeded") / request.param.__name__
    request.param(directory)
    return directory


Printed = Callable[..., str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    def call(*words: object) -> str:
        assert main([*map(str, words)]) == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("command", ["replay", "show", "brief"])
def test_a_word_says_that_there_are_no_seeds(command: str, run: Path, printed: Printed) -> None:
    page = printed(command, run)
    assert page.count("There are no seeds in this run.") == 1
    assert not GROWS.search(page)
    assert "None" not in page


def test_a_page_says_what_there_is(run: Path, printed: Printed) -> None:
    page = printed("brief", run)
    first = {"plain": "No episode was told; 4 epochs, 40 steps.", "policy": "No start of an episode was told; 8 ended."}
    assert first[run.name] in page
    happened = {"plain": "env 0 epoch 4: ", "policy": "8 updates of the policy ppo; the last: KL 0.01."}
    assert happened[run.name] in page
    parts = page.split("\n## ")[1:]
    assert all("\n- " in part for part in parts), "no heading stands above nothing"


def test_the_list_of_runs_says_so(run: Path, tmp_path: Path, printed: Printed) -> None:
    printed("report", run, "-o", tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert json.loads(data)["runs"][0]["verdict"] == "no seeds in this run"
    assert "nissa reproduce" not in html, "nobody told how it was set up"


def test_the_list_of_runs_says_when_it_began_though_nobody_told_a_start(
    run: Path, tmp_path: Path, printed: Printed
) -> None:
    printed("report", run, "-o", tmp_path / "page.html")
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', (tmp_path / "page.html").read_text()
    )
    (segment,) = run.glob("events-*")
    first, *_, last = (json.loads(line)["time"] for line in segment.read_text().splitlines())
    assert first <= json.loads(data)["runs"][0]["began"] <= last


def looked(run: Path) -> Look:
    looks = Looks([run])
    looks.start()
    until(lambda: looks.current[0].state == "ended")
    looks.close()
    return looks.current[0]


def test_the_monitor_has_a_line_in_place_of_what_growers_see(run: Path) -> None:
    look = looked(run)
    lines = [str(line) for place in (*look.places, None) for line in overview(look, place)]
    assert lines.count("GROWTH      no seeds in this run") == 1 + len(look.places)
    assert not any(
        line.startswith(("VERDICT", "SEEDS", "EFFICIENCY", "PARAM")) or line.endswith(" -") for line in lines
    )


def test_no_curve_is_said_to_grow(tmp_path: Path) -> None:
    with Telemetry("validated", out=tmp_path / "run") as telemetry:
        telemetry.scope(env=0, epoch=1).emit(EpochCompleted(val_loss=0.5, val_accuracy=70.0))
    look = looked(tmp_path / "run")
    assert [series.name for series in accuracies(look, look.places[0])] == ["validation"]


def test_one_seed_is_enough_for_a_verdict(tmp_path: Path, printed: Printed) -> None:
    with Telemetry("grows", out=tmp_path / "run") as telemetry:
        env = telemetry.scope(env=0, episode=0)
        env.emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=8))
        env.emit(EpisodeEnded(outcome="completed"))
    assert "all: not shown." in printed("replay", tmp_path / "run")
    assert any(str(line).startswith("VERDICT") for line in overview(looked(tmp_path / "run"), None))
