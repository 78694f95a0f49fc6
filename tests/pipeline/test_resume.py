"""A run goes on in its directory: what a resumed process knows is what a replay of all its lives knows."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from reactivex import operators as ops

from nissa import Telemetry
from nissa.events import codec
from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, EpisodeStarted, EpochCompleted, RunResumed, SeedCulled, SeedGerminated
from nissa.operators import only
from nissa.pipeline.replay import replay
from nissa.sinks.run_log import segments

STARTED = EpisodeStarted(
    policy="ppo", task_type="toy", max_epochs=9, host_params=10, slot_config={}, hyperparameters={}
)


def life(telemetry: Telemetry, first: int, last: int) -> None:
    """Epochs of one episode; a loss that jumps in epoch 4 for good, and a seed in each."""
    env = telemetry.scope(group="ppo", env=0, episode=0)
    if first == 1:
        env.emit(STARTED)
    for epoch in range(first, last + 1):
        env.move(epoch=epoch)
        env.emit(SeedGerminated(slot=f"s{epoch}", seed=str(epoch), blueprint="norm", params=4))
        for batch in range(20):
            env.emit(BatchCompleted(batch=batch, loss=(9.0 if epoch == 4 else 1.0) + batch % 3 / 100))
        env.emit(EpochCompleted(val_loss=1.0 / epoch, val_accuracy=50.0 + epoch))
    assert telemetry.flush(20.0)


def lives(out: Path) -> tuple[list[Event[Any]], Any]:
    seen: list[Event[Any]] = []
    return seen, replay(out, [seen.append])


@pytest.mark.parametrize("torn", [b"", b'{"v":1,"kind":"batch_comp'])
def test_what_a_resumed_process_knows_is_what_a_replay_knows(tmp_path: Path, torn: bytes) -> None:
    out = tmp_path / "run"
    with Telemetry("job", out=out) as telemetry:
        life(telemetry, 1, 3)
    with segments(out)[-1].open("ab") as file:
        file.write(torn)
    with Telemetry(out=out, resume=True, metrics=0, linger=0) as telemetry:
        life(telemetry, 4, 6)
        known, url = telemetry.snapshot(), telemetry.metrics_url
        assert url is not None
        scraped = urllib.request.urlopen(url).read().decode()
    assert telemetry.run == "job"
    assert "nissa_run_ended_timestamp_seconds{" not in scraped, "the end of the first life is none of the run's"
    events, whole = lives(out)
    tables = whole.tables.snapshot()
    assert {name: known[name] for name in known if name != "alerts"} == {n: tables[n] for n in known if n != "alerts"}
    assert [row["epoch"] for row in known["alerts"]] == [row["epoch"] for row in tables["alerts"]]
    assert known["blueprints"][0]["germinated"] == 6
    assert re.search(r'nissa_seeds_germinated_total\{.*blueprint="norm".*\} 6\.0', scraped)
    told = [event for event in events if not event.ordinal]
    assert [event.seq for event in told] == list(range(len(told)))
    assert (whole.reading.malformed, whole.reading.duplicates, whole.reading.dropped) == (0, 0, 0)
    (resumed,) = [event.payload for event in told if isinstance(event.payload, RunResumed)]
    assert (resumed.torn, resumed.process) == (len(torn), os.getpid())


@pytest.mark.parametrize("left", [0, 1])
def test_what_followed_from_the_last_event_and_was_lost_with_the_process_is_told_by_the_next(
    tmp_path: Path, left: int
) -> None:
    out = tmp_path / "run"
    with Telemetry("job", out=out) as telemetry:
        life(telemetry, 1, 5)
    (log,) = segments(out)
    lines = log.read_bytes().splitlines(keepends=True)
    told = [b'"ordinal":' not in line for line in lines]
    last = max(at for at in range(len(lines) - 2) if told[at] and not told[at + 1] and not told[at + 2])
    log.write_bytes(b"".join(lines[: last + 1 + left]))
    for epoch in (6, 7):
        with Telemetry("job", out=out, resume=True) as telemetry:
            life(telemetry, epoch, epoch)
    whole = replay(out)
    assert (whole.different, whole.only_recorded, whole.only_computed, whole.reading.duplicates) == (0, 0, 0, 0)
    again = b"".join(segment.read_bytes() for segment in segments(out)).splitlines(keepends=True)
    assert again[: last + 3] == lines[: last + 3]


def test_what_followed_and_can_not_be_written_stops_no_resumed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "LONGEST_LINE", 100_000)
    culled = SeedCulled(slot="s", reason="x" * 200_000, initiator="policy", epochs_total=1)
    mine = {"mine": lambda events: events.pipe(only(EpochCompleted), ops.map(lambda _: culled))}
    for first in (1, 3):
        with Telemetry("job", out=tmp_path / "run", operators=mine, resume=True) as telemetry:
            life(telemetry, first, first + 1)
        assert telemetry.state().faults["log"] >= 2
        log = segments(tmp_path / "run")[-1]
        lines = log.read_bytes().splitlines(keepends=True)
        last = max(at for at, line in enumerate(lines) if b'"kind":"epoch_completed"' in line)
        log.write_bytes(b"".join(lines[: last + 1]))
    assert replay(tmp_path / "run").reading.by_kind["epoch_completed"] == 4


def test_what_the_first_life_lost_is_not_forgotten_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with Telemetry("job", out=out) as telemetry:
        life(telemetry, 1, 2)
    (log,) = segments(out)
    lines = log.read_bytes().splitlines(keepends=True)
    emitted = [at for at, line in enumerate(lines) if b'"kind":"batch_completed"' in line]
    log.write_bytes(b"".join(line for at, line in enumerate(lines) if at not in emitted[5:8]))
    with Telemetry("job", out=out, resume=True) as telemetry:
        life(telemetry, 3, 3)
    told = json.loads((out / "manifest.json").read_bytes())
    assert (told["whole"], told["lost"], replay(out).reading.dropped) == (False, 3, 3)


def test_a_segment_of_a_killed_process_has_no_count_of_events(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with Telemetry("job", out=out) as telemetry:
        life(telemetry, 1, 1)
    (out / "manifest.json").unlink()
    with Telemetry("job", out=out, resume=True):
        pass
    first, second = json.loads((out / "manifest.json").read_bytes())["segments"]
    assert (first["events"], first["bytes"]) == (None, segments(out)[0].stat().st_size)
    assert second["events"] > 0


def test_a_first_life_begins_a_run_like_any_other(tmp_path: Path) -> None:
    with Telemetry("job", out=tmp_path / "run", resume=True) as telemetry:
        life(telemetry, 1, 1)
    assert not any(isinstance(event.payload, RunResumed) for event in lives(tmp_path / "run")[0])


def test_another_run_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    with Telemetry("job", out=tmp_path / "run"):
        pass
    before = {file: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    with pytest.raises(ValueError, match=r"holds the run 'job', which cannot go on as 'other'"):
        Telemetry("other", out=tmp_path / "run", resume=True)
    assert {file: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_a_killed_process_goes_on_with_the_fidelity_that_it_had(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code = f"""
import os, signal
from pathlib import Path
from nissa import Telemetry
from tests.operators.raised import configured
from tests.pipeline.test_resume import life
telemetry = Telemetry("job", out=Path({str(out)!r}))
telemetry.emit(configured(mode="adaptive", dense_budget=1.0))
life(telemetry, 1, 4)
assert telemetry.fidelity == "dense"
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    with Telemetry("job", out=out, resume=True) as telemetry:
        assert telemetry.fidelity == "dense"
