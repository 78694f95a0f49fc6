"""Rows of scalars against a loop over the values, and the room that there is for names."""

import math
import random

from nissa.events.event import Event, Scope
from nissa.events.kinds import ScalarsLogged
from nissa.sinks.tables import Tables
from nissa.sinks.tables.scalar_rows import ScalarRows


def test_a_row_says_what_a_loop_over_the_values_says() -> None:
    draw, told, tables = random.Random(0), dict[tuple[int, str], list[tuple[int, float]]](), Tables()
    for step in range(500):
        env, names = draw.randrange(2), draw.sample(["lr", "grad_scale", "temperature"], draw.randrange(1, 4))
        values = {name: draw.choice([math.nan, -math.inf, draw.gauss(0, 1)]) for name in names}
        tables(Event(step, 0.0, Scope("r", "g", env), ScalarsLogged(values=values, step=step)))
        for name, value in values.items():
            told.setdefault((env, name), []).append((step, value))
    rows = tables.snapshot()["scalars"]
    assert [(row["env"], row["name"]) for row in rows] == sorted(told)
    for row in rows:
        logged = [value for _, value in told[row["env"], row["name"]]]
        finite = [value for value in logged if math.isfinite(value)]
        step, last = told[row["env"], row["name"]][-1]
        assert (row["min"], row["max"], row["step"]) == (min(finite), max(finite), step)
        assert (row["count"], row["broken"]) == (len(logged), len(logged) - len(finite))
        assert str(row["last"]) == {math.inf: "Infinity", -math.inf: "-Infinity"}.get(
            last, str(last).replace("nan", "NaN")
        )


def test_what_was_never_finite_has_no_least_and_no_largest() -> None:
    rows = ScalarRows(limit=5)
    rows(Event(0, 0.0, Scope("r"), ScalarsLogged(values={"lr": math.nan})))
    (row,) = rows.snapshot()
    assert (row["last"], row["min"], row["max"], row["step"], row["broken"]) == ("NaN", None, None, None, 1)


def test_of_too_many_names_the_one_logged_longest_ago_goes() -> None:
    rows = ScalarRows(limit=2)
    for name in ("a", "b", "a", "c"):
        rows(Event(0, 0.0, Scope("r"), ScalarsLogged(values={name: 1.0})))
    assert [(row["name"], row["count"]) for row in rows.snapshot()] == [("a", 2), ("c", 1)]
