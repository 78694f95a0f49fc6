"""How a command that takes a run ends: 0 after a clean one, 1 after one with damage, 2 where there is none."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.events.kinds import EpochCompleted, SeedGerminated
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments

Capture = pytest.CaptureFixture[str]
SHOWS = (["show"], ["show", "--json"], ["show", "--kind", "seed_germinated"])
COMMANDS = (["replay"], ["replay", "--json"], *SHOWS, ["traces"])
EVENT = {"event_type": "SEED_GERMINATED", "timestamp": "2025-12-05", "seed_id": "s", "slot_id": "r0c0"}
SEED = json.dumps(EVENT | {"data": {"blueprint_id": "norm", "params": 5}})
CARRIED = json.dumps(EVENT | {"event_type": "TAMIYO_INITIATED", "data": {}})
NO_BLUEPRINT = json.dumps(EVENT | {"data": {}})


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    """A run of Nissa's own."""
    with Telemetry("small", out=tmp_path / "run") as telemetry:
        scope = telemetry.scope(env=0, episode=0)
        scope.emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=120))
        scope.emit(EpochCompleted(val_loss=1.0, val_accuracy=50.0))
    return segments(tmp_path / "run")[0].read_bytes().splitlines(keepends=True)


@pytest.fixture
def ended(tmp_path: Path, capsys: Capture) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on a file with these contents."""

    def run(words: list[str], content: bytes) -> tuple[int, str, str]:
        (tmp_path / "log").write_bytes(content)
        status = main([words[0], str(tmp_path / "log"), *words[1:]])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("words", COMMANDS)
def test_a_clean_run_ends_with_0_and_so_does_one_whose_last_line_is_torn(
    lines: list[bytes], ended: Any, words: list[str]
) -> None:
    status, out, err = ended(words, b"".join(lines))
    assert (status, err) == (0, "")
    status, torn, err = ended(words, b"".join(lines) + lines[0][:40])
    assert (status, err) == (0, "")
    assert len(torn) >= len(out)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_run_with_damaged_lines_between_is_shown_and_ends_with_1(
    lines: list[bytes], ended: Any, words: list[str]
) -> None:
    _, clean, _ = ended(words, b"".join(lines))
    status, out, err = ended(words, b"".join([lines[0], b"{noise\n", *lines[1:], lines[0][:40]]))
    assert status == 1
    assert err.startswith(
        f"nissa {words[0]}: 1 of the lines are no events; the first of what is wrong: log:2: not JSON"
    )
    assert len(err.splitlines()) == 1
    assert out == clean or words[0] == "replay"
    assert len(out) >= len(clean)


def test_a_torn_line_before_another_process_went_on_is_one_between(lines: list[bytes], tmp_path: Path) -> None:
    (segment,) = segments(tmp_path / "run")
    segment.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
    segment.with_name("events-000002.jsonl").write_bytes(lines[-1])
    assert main(["traces", str(tmp_path / "run")]) == 1


def test_a_packed_run_that_was_cut_short_ends_with_1(lines: list[bytes], ended: Any) -> None:
    status, _, err = ended(["traces"], gzip.compress(b"".join(lines) * 50)[:-40])
    assert status == 1
    assert "cut short" in err


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            CARRIED,
            "1 of 1 lines of esper-lite are carried whole, of types without a counterpart here (TAMIYO_INITIATED)",
        ),
        (NO_BLUEPRINT, "1 of 1 lines of esper-lite are carried whole; 1 times SEED_GERMINATED.blueprint_id: missing"),
    ],
)
def test_a_log_of_which_nothing_is_translated_says_so_in_one_line_and_ends_with_1(
    ended: Any, words: list[str], text: str, reason: str
) -> None:
    status, _, err = ended(words, text.encode() + b"\n")
    assert (status, err) == (1, f"nissa {words[0]}: nothing of it was translated: {reason}\n")


def test_a_log_of_which_one_line_is_translated_ends_with_0(ended: Any) -> None:
    assert ended(["replay"], f"{CARRIED}\n{SEED}\n{CARRIED}\n".encode())[::2] == (0, "")


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("content", [b"", b"\n\n", b"noise\nmore of it\n", b'{"kind": "seed_germina', b"[1, 2]\n{}\n"])
def test_where_no_line_is_an_event_there_is_no_run_and_it_ends_with_2(
    ended: Any, words: list[str], content: bytes
) -> None:
    status, out, err = ended(words, content)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "no line of it is an event" in err


@pytest.mark.parametrize("words", [*COMMANDS, ["trace", "1"], ["backfill", "past"], ["serve"]])
def test_where_there_is_no_file_it_ends_with_2(tmp_path: Path, capsys: Capture, words: list[str]) -> None:
    assert main([words[0], str(tmp_path / "none"), *words[1:]]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_what_was_lost_before_it_was_written_is_told_apart_from_what_is_missing(lines: list[bytes], ended: Any) -> None:
    rows = [json.loads(line) for line in lines if b'"seq"' in line]
    rows[-1]["seq"] += 7
    gap = rows[0] | {"kind": "events_dropped", "seq": len(rows), "data": {"place": "hub", "dropped": {"a": 4, "b": 1}}}
    rows.insert(-1, gap | {"seq": rows[-2]["seq"] + 1, "time": rows[-2]["time"]})
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    assert "5 lost before they were written, 1 missing" in ended(["replay"], content)[1]
    damaged = content.replace(b'"seq": 1,', b'"seq": 1 1,', 1)
    assert "1 malformed, 5 lost before they were written, 1 missing" in ended(["replay"], damaged)[1]
