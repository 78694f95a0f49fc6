"""`nissa pack`: the demo's pack says what its log says, explains itself, and is refused once it is damaged."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from nissa import Telemetry
from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted
from nissa.sinks.run_log import segments

Log = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def log(demo: Path) -> Log:
    """The lines of the demo's log by kind, as any reader of JSON has them."""
    found: Log = {}
    for segment in segments(demo):
        for line in segment.read_text().splitlines():
            row = json.loads(line)
            found.setdefault(row["kind"], []).append(row)
    return found


@pytest.fixture(scope="module")
def document(pack: Path) -> Any:
    return json.loads((pack / "pack.json").read_text())


def where(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("run", "group", "env", "episode"))


def test_a_pack_is_valid_by_its_own_schema_and_its_check(pack: Path, document: Any, capsys: Any) -> None:
    jsonschema.validate(document, json.loads((pack / "schema.json").read_text()))
    assert main(["pack", "--check", str(pack)]) == 0
    stats = document["quick_stats"]
    assert f"is whole: {stats['episodes']} episodes, {stats['decisions']} decisions" in capsys.readouterr().out


def test_each_decision_of_the_log_is_there_with_all_that_was_told_of_it(document: Any, log: Log) -> None:
    packed = {(*where(e), d["epoch"]): d for e in document["episodes"] for d in e["decisions"]}
    features = {(*where(row), row["epoch"]): row["data"]["values"] for row in log["features_computed"]}
    assert len(packed) == len(log["decision_made"])
    width = len(document["feature_schema"]["_index"])
    for row in log["decision_made"]:
        told, found = row["data"], packed[*where(row), row["epoch"]]
        assert found["observation"]["features"] == features.get((*where(row), row["epoch"] - 1), [None] * width)
        assert found["observation"]["policy_vector"] == told["observation"]
        assert {name: found["action"].get(name) for name in told["action"]} == told["action"]
        assert (found["action"]["heads"], found["action"].get("value")) == (told["heads"], told.get("value"))
        assert (found["reward"], found["reward_components"]) == (told["reward"], told["reward_components"])
    for row in log["decision_explained"]:
        assert packed[*where(row), row["epoch"]]["decision_context"] == row["data"]
    for row in log["decision_judged"]:
        assert packed[*where(row), row["data"]["decision_epoch"]]["hindsight"] == row["data"]
    for row in log["decisions_scored"]:
        scores = zip(row["data"]["epochs"], row["data"]["advantages"], row["data"]["returns"], strict=True)
        for epoch, advantage, target in scores:
            found = packed[*where(row), epoch]
            assert (found["advantage"], found["returns"]) == (advantage, target)


def test_each_episode_of_the_log_is_there_beside_its_twin(document: Any, log: Log) -> None:
    twins = {(*where(row)[:3], row["epoch"]): row["data"]["val_accuracy"] for row in log["host_baseline_epoch"]}
    epochs = {(*where(row), row["epoch"]): row["data"]["val_accuracy"] for row in log["epoch_completed"]}
    ends = {where(row): row["data"] for row in log["episode_ended"]}
    assert {where(episode) for episode in document["episodes"]} == ends.keys()
    for episode in document["episodes"]:
        end, outcome = ends[where(episode)], episode["outcome"]
        assert (outcome["kept_accuracy"], outcome["total_reward"]) == (end["kept_accuracy"], end["total_reward"])
        assert outcome["against_twin"] == against(end["kept_accuracy"], outcome["twin_final_accuracy"], 360)
        for row in episode["trajectory"]:
            assert row["val_accuracy"] == epochs[*where(episode), row["epoch"]]
            assert row["twin_val_accuracy"] == twins[*where(episode)[:3], row["epoch"]]
    stats = document["quick_stats"]
    kept, culled = len(log["seed_fossilized"]), len(log["seed_culled"])
    assert (stats["seeds_fossilized"], stats["seeds_culled"]) == (kept, culled)
    assert stats["seed_success_rate"] == kept / (kept + culled)


def against(kept: float, twin: float, n: int) -> str:
    """The normal interval of a difference of two shares."""
    margin = 1.96 * math.sqrt(sum(share * (100 - share) / n for share in (kept, twin)))
    return "better" if kept - twin > margin else "worse" if twin - kept > margin else "undecided"


READER = """
import json, sys
document = json.load(open(sys.argv[1] + "/pack.json"))
place = document["feature_schema"]["_index"]["val_accuracy"]
assert document["features"]["val_accuracy"]["unit"] == "percent"
for episode in document["episodes"]:
    after = {row["epoch"]: row["val_accuracy"] for row in episode["trajectory"]}
    for decision in episode["decisions"]:
        assert decision["observation"]["features"][place] == after.get(decision["epoch"] - 1)
assert not any(name.split(".")[0] == "nissa" for name in sys.modules)
"""


def test_a_reader_without_nissa_finds_a_feature_by_its_name(pack: Path) -> None:
    subprocess.run([sys.executable, "-I", "-c", READER, str(pack)], check=True)


def test_the_same_run_gives_the_same_bytes_and_is_packed_as_a_whole_only(
    demo: Path, pack: Path, tmp_path: Path
) -> None:
    shutil.copytree(demo, tmp_path / "elsewhere")
    assert main(["pack", str(tmp_path / "elsewhere"), "-o", str(tmp_path / "again")]) == 0
    for file in pack.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again", "elsewhere"]


def test_another_systems_log_is_packed_as_far_as_it_goes(root: Path, tmp_path: Path) -> None:
    log = root / "tests/pipeline/sources/esper/esper_excerpt.jsonl"
    assert main(["pack", str(log), "-o", str(tmp_path / "pack")]) == 1, "two of its lines are no events"
    assert main(["pack", "--check", str(tmp_path / "pack")]) == 0
    document = json.loads((tmp_path / "pack/pack.json").read_text())
    assert "telemetry_config" not in document
    assert document["quick_stats"]["decisions"] > 0


def _manifest(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def damage(pack: Path) -> None:
        told = json.loads((pack / "manifest.json").read_text())
        change(told)
        (pack / "manifest.json").write_text(json.dumps(told))

    return damage


def _cut(name: str) -> Callable[[Path], object]:
    return lambda pack: (pack / name).write_bytes((pack / name).read_bytes()[:-100])


def _turn(pack: Path) -> None:
    """One digit of one number."""
    text = (pack / "pack.json").read_text()
    at = text.index('"val_accuracy":', text.index('"trajectory":[')) + len('"val_accuracy":')
    (pack / "pack.json").write_text(f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}")


def _tell_anew(pack: Path) -> None:
    """What was changed, with its new checksum."""
    from nissa.sinks.data_pack.files import manifest

    _turn(pack)
    manifest(pack, 1, "anew")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut pack.json": (_cut("pack.json"), "pack.json: "),
    "cut parquet": (_cut("decisions.parquet"), "when it was packed; pack the runs again"),
    "missing": (lambda pack: (pack / "episodes.parquet").unlink(), "episodes.parquet: missing"),
    "changed": (_turn, "pack.json: changed since it was packed (SHA-256 differs)"),
    "told anew": (_tell_anew, "episodes.parquet: row 1 is not what pack.json says: trajectory"),
    "newer": (_manifest(lambda told: told.update(format=99)), "a pack of version 99, and this Nissa reads up to 1"),
    "no manifest": (lambda pack: (pack / "manifest.json").unlink(), "no data pack: manifest.json cannot be read"),
    "no json": (lambda pack: (pack / "manifest.json").write_text("{"), "manifest.json: not JSON"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_pack_is_refused_in_one_line(name: str, pack: Path, tmp_path: Path, capsys: Any) -> None:
    damage, told = DAMAGES[name]
    shutil.copytree(pack, tmp_path / "pack")
    damage(tmp_path / "pack")
    assert main(["pack", "--check", str(tmp_path / "pack")]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def without_episodes(directory: Path) -> Path:
    with Telemetry("empty", out=directory) as telemetry:
        telemetry.emit(BatchCompleted(batch=0, loss=1.0))
    return directory


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["RUN", "-o", "DEMO"], "exists already: choose another folder, or move it away"),
        (["RUN", "RUN", "-o", "NEW"], "is there twice: pack it once"),
        (["RUN", "OTHER", "-o", "NEW"], "does not measure what is measured in run"),
        (["EMPTY", "-o", "NEW"], "there is no episode to pack"),
        (["NOWHERE", "-o", "NEW"], "there is no such file or directory"),
    ],
)
def test_what_cannot_be_packed_is_refused_and_leaves_nothing(
    words: list[str], told: str, demo: Path, tmp_path: Path, capsys: Any
) -> None:
    other = Path(__file__).parents[1] / "sources/esper/esper_excerpt.jsonl"
    paths = {"RUN": demo, "DEMO": demo, "OTHER": other, "NEW": tmp_path / "new", "NOWHERE": tmp_path / "nowhere"}
    paths["EMPTY"] = without_episodes(tmp_path / "empty")
    assert main(["pack", *(str(paths.get(word, word)) for word in words)]) == 2
    said = capsys.readouterr().err
    assert told in said.splitlines()[-1]
    assert [file.name for file in tmp_path.iterdir()] == ["empty"]


def test_without_pyarrow_one_line_says_what_to_install(demo: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None\nfrom nissa.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "pack", str(demo), "-o", str(tmp_path / "pack")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "nissa pack: pyarrow is not installed: pip install 'nissa[query]'\n")
    assert [*tmp_path.iterdir()] == []


def test_parquet_has_a_row_for_each_decision_and_each_episode(pack: Path, document: Any) -> None:
    stats = document["quick_stats"]
    assert pq.read_metadata(pack / "decisions.parquet").num_rows == stats["decisions"]
    assert pq.read_metadata(pack / "episodes.parquet").num_rows == stats["episodes"]
