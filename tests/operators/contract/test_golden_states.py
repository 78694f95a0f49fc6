"""States that an earlier version put aside are gone on from, and a state is no larger than the documents say."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from nissa.operators.fold import Fold
from tests.operators.contract.golden import ADVICE, complaint, folds, kept, renewed, seen
from tests.operators.contract.loop import Loop

each = pytest.mark.parametrize("fold", folds().values(), ids=folds())


def test_there_is_a_state_of_each_fold_and_of_no_other() -> None:
    assert kept().keys() == folds().keys(), ADVICE


@each
def test_a_fold_goes_on_from_a_state_of_an_earlier_version_to_the_last_byte(fold: Fold[Any]) -> None:
    wrong = complaint(fold, kept()[fold.name])
    assert wrong is None, f"{wrong}{ADVICE}"


@each
def test_a_state_is_not_that_of_a_beginning(fold: Fold[Any]) -> None:
    empty = {"overhead"}
    assert (kept()[fold.name] == fold.dump(fold.init())) is (fold.name in empty)


def test_a_state_whose_form_is_another_is_not_renewed_without_a_new_version() -> None:
    name = "narrative"
    plain = orjson.loads(orjson.dumps(kept()[name]))
    form = next(form for form in plain["forms"] if form[0].endswith(".Network"))
    form.remove("overflow")
    with pytest.raises(ValueError, match=r"(?s)has the fields .*overflow.*another `version`"):
        renewed({name: plain}, {name: folds()[name]})
    newer = replace(folds()[name], version=folds()[name].version + 1)
    assert renewed({name: plain}, {name: newer})[name] == newer.dump(newer.load(kept()[name] | {"version": 2}))


def test_a_state_that_means_something_else_is_not_renewed_without_a_new_version() -> None:
    fold = folds()["blueprint_stats"]
    plain = orjson.loads(orjson.dumps(kept()[fold.name]).replace(b"0.", b"1."))
    with pytest.raises(ValueError, match="goes on otherwise"):
        renewed({fold.name: plain}, {fold.name: fold})


def test_a_state_of_the_same_version_is_kept_as_it_is() -> None:
    assert renewed(kept(), folds()) == kept()


@cache
def largest() -> Mapping[str, int]:
    """Bytes of each state in the recorded run of one environment, as JSON: the most at any hundredth event."""
    loop, most, told = Loop(), Counter[str](), [event for event in seen() if not event.ordinal]
    for at, event in enumerate(told):
        loop.feed(event)
        if at % 100 == 0:
            sizes = {name: len(orjson.dumps(plain)) for name, plain in loop.plain().items()}
            most |= Counter(sizes | {"all": sum(sizes.values())})
    return most


def bounds(root: Path) -> dict[str, float]:
    """Bytes of each state at most, as the documents have it: what is in no row of its own is in the last."""
    page = (root / "docs/design.md").read_text()
    rows = re.findall(r"^\| `?(\w+)`? \| (\d+) kB \|", page, re.MULTILINE)
    return {name: 1000.0 * int(size) for name, size in rows}


def test_a_state_is_no_larger_than_the_documents_say(root: Path) -> None:
    most = bounds(root)
    assert {"all", "others", "flight_recorder"} <= most.keys()
    larger = {name: size for name, size in largest().items() if size > most.get(name, most["others"])}
    assert larger == {}


def test_the_documents_do_not_say_far_more_than_there_is(root: Path) -> None:
    most = bounds(root)
    assert {name for name in most.keys() - {"others"} if largest()[name] < 0.6 * most[name]} == set()
