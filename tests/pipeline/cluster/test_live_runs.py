"""Which runs are named at a tick: those that are written each time, the others in turn, and none for ever not."""

from pathlib import Path

from nissa.pipeline.cluster.live_runs import LiveRuns


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(logs: Path, run: str, size: int) -> None:
    (logs / run).mkdir(parents=True, exist_ok=True)
    with (logs / run / "events-000001.jsonl").open("ab") as file:
        file.write(b"x" * size)


def test_runs_are_found_in_folders_and_when_they_begin(tmp_path: Path) -> None:
    runs = LiveRuns(tmp_path, look=100, budget=10, clock=(clock := Clock()))
    write(tmp_path, "alone", 5)
    write(tmp_path, "job/rank-0", 5)
    assert sorted(runs.tick()) == ["alone", "job/rank-0"]
    write(tmp_path, "job/rank-1", 5)
    clock.now = 2.0
    assert sorted(runs.tick()) == ["alone", "job/rank-0", "job/rank-1"]


def test_a_run_of_which_much_is_unread_is_named_as_often_as_it_takes(tmp_path: Path) -> None:
    runs = LiveRuns(tmp_path, look=100, budget=5, clock=(clock := Clock()))
    write(tmp_path, "long", 1950)
    write(tmp_path, "short", 50)
    counts = [(asked := runs.tick()).count("long") for clock.now in range(8)]
    assert sum(counts) >= 20
    assert max(counts) <= 6
    assert asked.count("short") == 1


def test_quiet_runs_are_named_in_turn_and_live_ones_each_time(tmp_path: Path) -> None:
    runs = LiveRuns(tmp_path, look=100, budget=5, clock=(clock := Clock()))
    for number in range(300):
        write(tmp_path, f"run-{number}", 5)
    assert [len(runs.tick()) for _ in range(7)] == [50, 100, 150, 200, 250, 300, 300]
    clock.now = 100.0
    runs.tick()
    clock.now = 200.0
    write(tmp_path, "run-7", 5)
    seen = set[str]()
    for tick in range(10):
        clock.now += 1.0
        asked = runs.tick()
        assert len(asked) <= 70
        seen |= set(asked)
        assert "run-7" in asked or tick < 5
    assert len(seen) == 300


def test_a_run_that_was_removed_stops_nothing(tmp_path: Path) -> None:
    runs = LiveRuns(tmp_path, look=100, budget=5, clock=Clock())
    write(tmp_path, "gone", 5)
    runs.tick()
    (tmp_path / "gone" / "events-000001.jsonl").unlink()
    assert runs.tick() == ["gone"]


def test_runs_that_have_nothing_yet_keep_no_other_from_being_named(tmp_path: Path) -> None:
    runs = LiveRuns(tmp_path, look=100, budget=5, clock=Clock())
    for number in range(250):
        write(tmp_path, f"a-{number:03}", 0)
    write(tmp_path, "z", 5)
    assert "z" in [name for _ in range(6) for name in runs.tick()]
