"""Events as lines and back: nothing is lost, nothing is invented, and what is wrong is named."""

import enum
import json
import math
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import MalformedLineError, Unknown, decode, encode
from nissa.events.event import Event, Scope
from nissa.events.json_encoding import line
from nissa.events.kinds import BatchCompleted, SeedCulled, SeedGerminated
from nissa.events.schema import json_schema
from tests.samples import epoch_completed, event, events

SCHEMA = jsonschema.Draft202012Validator(json_schema())


def batch(**changes: Any) -> BatchCompleted:
    values: dict[str, Any] = {
        "batch": 1,
        "loss": 0.5,
        "accuracy": 50.0,
        "host_grad_norm": 1.0,
        "seed_grad_norms": {"early": 0.25},
    }
    return BatchCompleted(**(values | changes))


def same(left: Any, right: Any) -> bool:
    """Equality in which NaN equals NaN and 1 is not 1.0 of a different meaning."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left)
        )
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@settings(max_examples=400)
@given(events())
def test_every_event_of_every_kind_survives_the_round_trip(original: Event[Any]) -> None:
    again = decode(encode(original))
    assert same(again.payload, original.payload)
    assert (again.seq, again.time, again.scope, again.ordinal) == (original.seq, original.time, original.scope, 0)
    assert again.extra is None


@settings(max_examples=200)
@given(events())
def test_every_line_is_legal_json_and_obeys_the_published_schema(original: Event[Any]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not legal JSON")

    line = encode(original)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    SCHEMA.validate(json.loads(line, parse_constant=refuse))


def test_the_schema_refuses_what_is_out_of_range_but_takes_broken_numbers() -> None:
    row = json.loads(encode(event(batch())))
    row["data"]["accuracy"] = 101.0
    assert not SCHEMA.is_valid(row)
    row["data"]["accuracy"] = "NaN"
    assert SCHEMA.is_valid(row)


def test_a_broken_number_is_kept_apart_from_a_missing_one_and_from_zero() -> None:
    lines = [encode(event(batch(isolation_leakage=value))) for value in (None, 0.0, math.nan, math.inf, -math.inf)]
    data = [json.loads(line)["data"].get("isolation_leakage", "absent") for line in lines]
    assert data == ["absent", 0.0, "NaN", "Infinity", "-Infinity"]
    assert decode(lines[0]).payload.isolation_leakage is None
    assert math.isnan(decode(lines[2]).payload.isolation_leakage)


def test_a_log_from_before_isolation_was_measured_both_ways_reads_as_not_measured() -> None:
    data = '{"batch":1,"loss":0.5,"accuracy":50.0,"host_grad_norm":1.0,"isolation_leakage":0.0}'
    line = f'{{"v":1,"kind":"batch_completed","seq":0,"time":0.0,"run":"test","data":{data}}}'
    told = decode(line.encode()).payload
    assert (told.isolation_leakage, told.isolation_forward_leakage, told.seed_non_finite) == (0.0, None, {})


def test_numbers_of_numpy_and_torch_come_back_as_numbers() -> None:
    payload = batch(loss=np.float32(0.5), accuracy=torch.tensor(25.0), host_grad_norm=np.float64("nan"))
    again = decode(encode(event(payload))).payload
    assert (again.loss, again.accuracy) == (0.5, 25.0)
    assert math.isnan(again.host_grad_norm)
    assert math.isnan(decode(encode(event(batch(loss=torch.tensor(math.nan))))).payload.loss)


def test_a_derived_event_names_its_cause_and_ordinal_instead_of_a_number() -> None:
    row = json.loads(encode(Event(7, 1.0, Scope("test"), batch(), ordinal=2)))
    assert (row["cause"], row["ordinal"], "seq" in row) == (7, 2, False)
    assert decode(encode(Event(7, 1.0, Scope("test"), batch(), ordinal=2))).ordinal == 2


def test_an_unknown_kind_is_carried_and_written_again_as_it_was() -> None:
    line = b'{"v":9,"kind":"seed_dreamed","seq":3,"time":1.0,"run":"r","data":{"depth":[1,null,"NaN"]}}'
    read = decode(line)
    assert isinstance(read.payload, Unknown)
    assert (read.payload.kind, read.payload.data) == ("seed_dreamed", {"depth": [1, None, "NaN"]})
    assert json.loads(encode(read))["data"] == {"depth": [1, None, "NaN"]}


def test_unknown_fields_of_payload_and_envelope_are_carried_under_extra() -> None:
    row = json.loads(encode(event(batch()))) | {"rank": 3, "extra": {"older": 1}}
    row["data"]["momentum"] = 0.9
    read = decode(json.dumps(row).encode())
    assert read.extra == {"rank": 3, "older": 1, "momentum": 0.9}
    assert json.loads(encode(read))["extra"] == {"rank": 3, "older": 1, "momentum": 0.9}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"v":1,"kind":"batch', "not JSON"),
        (b"[1,2]", "kind: missing"),
        (b'{"kind":5}', "kind: missing"),
        (b'{"kind":"seed_culled","seq":1,"time":1.0,"run":"r"}', "data: missing"),
        (b'{"kind":"seed_culled","time":1.0,"run":"r","data":{}}', "seq: missing"),
        (b'{"kind":"seed_culled","seq":1,"time":1.0,"data":{}}', "run: must be a name"),
        (b'{"kind":"seed_culled","seq":1,"time":1.0,"run":"r","env":0.5,"data":{}}', "env: must be a whole number"),
        (b'{"kind":"seed_culled","seq":1,"time":1.0,"run":"r","epoch":"x","data":{}}', "epoch: must be a whole number"),
        (b'{"kind":"seed_culled","seq":"1","time":1.0,"run":"r","data":{}}', "data.slot: Field required"),
        (
            b'{"kind":"seed_dreamed","seq":"1","time":1.0,"run":"r","data":{}}',
            "seq, cause and ordinal must be whole numbers",
        ),
        (b'{"kind":"seed_dreamed","seq":1,"time":1.0,"run":"r","data":[]}', "data: must be an object"),
        (b'{"kind":"seed_dreamed","seq":1,"time":1.0,"run":["r"],"data":{}}', "envelope"),
        (b'{"kind":"seed_dreamed","seq":1,"time":1.0,"run":"r","data":{},"extra":3}', "extra: must be an object"),
    ],
)
def test_a_malformed_line_is_refused_with_the_field_that_is_wrong(line: bytes, complaint: str) -> None:
    with pytest.raises(MalformedLineError, match=complaint):
        decode(line)


@pytest.mark.parametrize("field", ["ordinal", "group", "env", "cause"])
@pytest.mark.parametrize("value", [[1], {"a": 1}, 1.5])
def test_no_value_in_the_envelope_gets_past_the_reader(field: str, value: Any) -> None:
    row = {"kind": "seed_dreamed", "cause": 1, "ordinal": 1, "time": 1.0, "run": "r", "data": {}}
    with pytest.raises(MalformedLineError):
        decode(json.dumps(row | {field: value}).encode())


def test_an_environment_below_zero_is_odd_and_carried_but_a_number_below_zero_is_no_number() -> None:
    row = {"kind": "seed_dreamed", "seq": 1, "time": 1.0, "run": "r", "data": {}}
    assert decode(json.dumps(row | {"env": -1}).encode()).scope.env == -1
    with pytest.raises(MalformedLineError, match="seq"):
        decode(json.dumps(row | {"seq": -1}).encode())


def test_what_is_true_is_no_environment() -> None:
    row = {"kind": "seed_dreamed", "seq": 1, "time": 1.0, "run": "r", "data": {}}
    assert decode(json.dumps(row | {"env": 1}).encode()).scope.env == 1
    with pytest.raises(MalformedLineError, match="env"):
        decode(json.dumps(row | {"env": True}).encode())


def test_a_number_out_of_range_is_carried_and_not_lost() -> None:
    line = encode(event(batch(accuracy=100.00001525878906, loss=-0.5)))
    assert decode(line).payload.accuracy == 100.00001525878906
    assert not SCHEMA.is_valid(json.loads(line))


def test_a_float32_is_written_as_the_double_that_it_is() -> None:
    for value in (np.float32(0.37666667), torch.tensor(0.37666667)):
        assert decode(encode(event(batch(loss=value)))).payload.loss == float(value)


def test_a_scope_may_be_counted_in_numpy() -> None:
    assert decode(encode(event(batch(), env=np.int64(2)))).scope.env == 2


class Optimizer(enum.Enum):
    ADAM = "adam"


SETTINGS: dict[Any, Any] = {
    "device": torch.device("cpu"),
    "optimizer": Optimizer.ADAM,
    "day": date(2026, 1, 2),
    "path": Path("a/b"),
    True: 1,
    Optimizer.ADAM: 2,
    "entropy": 2**100,
    "nested": (1, {"clip": None}),
}


@pytest.mark.parametrize("more", [{}, {"clip": None}, {"clip": math.nan}, {"name": "nullable"}])
def test_settings_of_any_kind_are_written_the_same_whatever_stands_beside_them(more: dict[str, Any]) -> None:
    read = json.loads(line({"data": SETTINGS | more}))["data"]
    expected = {"device": "device(type='cpu')", "optimizer": "adam", "day": "2026-01-02", "path": "a/b"}
    expected |= {"true": 1, "adam": 2, "entropy": str(2**100), "nested": [1, {"clip": None}]}  # type: ignore[dict-item]
    assert {key: read[key] for key in expected} == expected
    assert read.keys() == expected.keys() | more.keys()


def test_unknown_fields_inside_a_part_are_carried_by_their_path() -> None:
    epoch = json.loads(encode(event(epoch_completed(50.0))))
    epoch["data"]["slots"] = [{"slot": "early", "stage": "DORMANT", "epochs_in_stage": 1, "momentum": 0.9}]
    assert decode(json.dumps(epoch).encode()).extra == {"slots.0.momentum": 0.9}
    state = {"accepted": 1, "delivered": 1, "queued": 0, "dropped": {}, "refused": 0, "faults": {}, "restarts": 0}
    state |= {"lag": 0.0, "sinks": [], "colour": "red"}
    row = {"kind": "heartbeat", "seq": 1, "time": 1.0, "run": "r", "data": {"uptime": 1.0, "pipeline": state}}
    assert decode(json.dumps(row).encode()).extra == {"pipeline.colour": "red"}


def test_a_value_of_the_wrong_type_is_refused_with_its_path() -> None:
    row = json.loads(encode(event(batch())))
    row["data"]["seed_grad_norms"]["early"] = "large"
    with pytest.raises(MalformedLineError, match=r"data\.seed_grad_norms\.early"):
        decode(json.dumps(row).encode())


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_no_bytes_make_the_decoder_fail_otherwise(line: bytes) -> None:
    with pytest.raises(MalformedLineError):
        decode(line)


@settings(max_examples=60)
@given(events(), st.data())
def test_a_line_cut_anywhere_is_refused_and_never_half_read(original: Event[Any], data: st.DataObject) -> None:
    line = encode(original).rstrip(b"\n")
    cut = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(MalformedLineError):
        decode(line[:cut])


def test_nothing_that_can_not_be_encoded_passes_in_silence() -> None:
    with pytest.raises(TypeError, match="object"):
        encode(event(batch(loss=object())))


def test_absent_and_none_mean_the_same_when_read() -> None:
    germinated = SeedGerminated(slot="early", seed="s", blueprint="norm", params=3)
    assert decode(encode(event(germinated))).payload == germinated
    culled = SeedCulled(slot="early", reason="late", initiator="gate", epochs_total=3)
    assert decode(encode(event(culled))).payload == culled


@pytest.mark.parametrize(
    ("line", "odd"),
    [
        (b'{"v":2,"kind":"x","seq":1,"time":1.0,"run":"r","data":{}}\n', ["v: 2, and"]),
        (b'{"kind":"x","seq":1,"time":1.0,"run":"r","data":{}}', ["v: None, and"]),
        (
            b'{"v":1,"kind":"x","seq":1,"seq":2,"time":1.0,"run":"r","data":{"a":1,"a":2}}\n',
            ["a: written", "seq: written"],
        ),
        (b'{"v":1, "kind":"x", "seq":1, "time":1.0, "run":"r", "data":{"a":[{"a":1},{"a":1}]}}\n', []),
        (b'{"v":1,"kind":"x","seq":1,"time":1.0,"run":"\\"run\\":","data":{}}\r\n', []),
    ],
)
def test_what_is_odd_about_a_line_that_is_read_is_said(line: bytes, odd: list[str]) -> None:
    heard: list[str] = []
    assert decode(line, heard.append)
    assert len(heard) == len(odd)
    assert all(map(str.startswith, heard, odd))


@settings(max_examples=200)
@given(events())
def test_nothing_is_odd_about_our_own_lines(original: Event[Any]) -> None:
    def refuse(what: str) -> None:
        raise AssertionError(what)

    decode(encode(original), refuse)
