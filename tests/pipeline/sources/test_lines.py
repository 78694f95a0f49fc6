"""Where logs are found and how they are packed: plain, compressed, cut short, in directories, through the commands."""

import gzip
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zstandard

from nissa.events.kinds import SeedGerminated
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import zstandard as zst
from nissa.pipeline.sources.read_report import UnreadableRunError
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import RunLog, segments
from tests.pipeline.sources.reading import adds_up, read
from tests.sinks.test_run_log import written
from tests.waiting import LIMIT, TRAINED

Pack = Callable[[bytes], bytes]
PACKS: dict[str, Pack] = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress}


def nissa(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nissa.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TRAINED, check=False)


@pytest.mark.parametrize("ending", PACKS)
def test_a_compressed_log_is_read_like_a_plain_one(excerpt: Path, tmp_path: Path, ending: str) -> None:
    packed = tmp_path / f"events.jsonl{ending}"
    packed.write_bytes(PACKS[ending](excerpt.read_bytes()))
    expected, found = replay(excerpt).summary(), replay(packed).summary()
    assert found["events"]["foreign"] == expected["events"]["foreign"]
    assert found["scoreboards"] == expected["scoreboards"]
    assert replay(tmp_path).summary() == found


def test_a_log_of_several_frames_is_read_to_the_end(excerpt: Path, tmp_path: Path) -> None:
    half = len(excerpt.read_bytes()) // 2
    frames = [PACKS[".zst"](part) for part in (excerpt.read_bytes()[:half], excerpt.read_bytes()[half:])]
    (tmp_path / "events.jsonl.zst").write_bytes(b"".join(frames))
    assert len(read(tmp_path)[0]) == len(read(excerpt)[0])


@pytest.mark.parametrize("ending", PACKS)
def test_a_compressed_log_that_was_cut_is_read_up_to_there_and_told(tmp_path: Path, ending: str) -> None:
    row = {"event_type": "TAMIYO_INITIATED", "timestamp": "2026-03-01", "data": {}}
    rows = [json.dumps(row | {"event_id": str(random.random())}) for _ in range(20_000)]
    packed = PACKS[ending]("\n".join(rows).encode())
    (tmp_path / f"events.jsonl{ending}").write_bytes(packed[: len(packed) * 2 // 3])
    _, reading = read(tmp_path)
    assert adds_up(reading)
    assert 5_000 < reading.read < 15_000
    assert reading.cut_short == 1
    assert "cut short or damaged" in reading.problems[-1]
    assert "1 files cut short" in nissa("replay", tmp_path).stdout


def test_a_run_of_nissas_own_may_be_compressed_too(tmp_path: Path) -> None:
    with Telemetry("small", out=tmp_path / "run") as telemetry:
        telemetry.scope(env=0).emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=120))
    (segment,) = (tmp_path / "run").glob("events-*.jsonl")
    (tmp_path / "run.jsonl.gz").write_bytes(gzip.compress(segment.read_bytes()))
    assert replay(tmp_path / "run.jsonl.gz").summary() == replay(tmp_path / "run").summary()


@pytest.mark.parametrize("all_packed", [False, True])
@pytest.mark.parametrize("ending", PACKS)
def test_packed_segments_are_read_in_their_place(tmp_path: Path, ending: str, all_packed: bool) -> None:
    written(tmp_path / "run", 30, rotate=1_000)
    files = segments(tmp_path / "run")
    for file in files if all_packed else files[:-1]:
        file.with_name(file.name + ending).write_bytes(PACKS[ending](file.read_bytes()))
        file.unlink()
    events, reading = read(tmp_path / "run")
    assert ([event.seq for event in events], reading.problems) == (list(range(30)), [])
    with pytest.raises(FileExistsError):
        RunLog(tmp_path / "run")
    segments(tmp_path / "run")[1].unlink()
    assert "000002.jsonl: missing" in read(tmp_path / "run")[1].problems[0]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_log_through_a_pipe_loses_nothing(tmp_path: Path, pack: Pack) -> None:
    content = pack(segments(written(tmp_path / "run", 500))[0].read_bytes())
    os.mkfifo(pipe := tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        pool.submit(pipe.write_bytes, content)
        events, reading = read(pipe)
    assert (len(events), reading.malformed, reading.problems) == (500, 0, [])


def test_without_the_package_a_zst_says_what_to_install(
    excerpt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.jsonl.zst").write_bytes(PACKS[".zst"](excerpt.read_bytes()))

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(zst, "import_module", missing)
    with pytest.raises(UnreadableRunError, match=r"pip install 'nissa\[zstd\]'"):
        read(tmp_path)


def test_replay_says_what_became_of_each_line(excerpt: Path) -> None:
    done = nissa("replay", excerpt)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "2 of the lines are no events; the first of what is wrong: esper_excerpt.jsonl:26: not JSON\n"
    )
    assert "Run esper-20260301-120000: 35 events, 1 unknown, 3 malformed, 1 duplicated." in done.stdout
    said = "37 lines of esper-lite: 27 translated, 6 carried whole, 3 malformed, 1 duplicated; 2 starts of episodes"
    assert said in done.stdout
    assert "1 times SEED_GERMINATED.blueprint_id: missing" in done.stdout
    foreign = json.loads(nissa("replay", excerpt, "--json").stdout)["events"]["foreign"]
    assert (foreign["lines"], foreign["by_type"]["SEED_GERMINATED"]) == (37, {"translated": 3, "carried": 1})


def test_a_directory_of_theirs_is_served(excerpt: Path, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(excerpt.read_bytes())
    # What a shell runs in the background ignores Ctrl-C, and so would this child.
    heed = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from nissa.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = next(word for word in process.stdout.readline().replace(";", " ").split() if word.startswith("http"))
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                page = answer.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=LIMIT) == 130
        finally:
            process.kill()
    labels = 'env="0",group="A",run="esper-20260301-120000"'
    assert f"nissa_val_accuracy_ratio{{{labels}}} 0.48" in page
    assert 'nissa_policy_explained_variance_ratio{env="",group="A",run="esper-20260301-120000"} NaN' in page
    assert "nissa_scrape_errors_total 0.0" in page
