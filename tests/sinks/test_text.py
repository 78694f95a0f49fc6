"""Text for people: places are short of what is not known, and tables as text lose nothing."""

import pytest
from rich.table import Table

from nissa.sinks.text import name, number, place, place_cells, table, text_lines


@pytest.mark.parametrize(
    ("where", "long", "short"),
    [
        (("ppo", 0, 12, 3), "ppo env 0 episode 12 epoch 3", "ppo env0 ep12 e3"),
        ((None, 1, None, 3), "env 1 epoch 3", "env1 e3"),
        (("ppo", None, None, None), "ppo", "ppo"),
        ((None, None, None, None), "", ""),
    ],
)
def test_a_place_is_told_as_far_as_it_is_known(
    where: tuple[str | None, int | None, int | None, int | None], long: str, short: str
) -> None:
    assert (place(*where), place(*where, short=True)) == (long, short)
    assert [str(cell) for cell in place_cells(*where)] == ["-" if part is None else str(part) for part in where]


def test_a_number_that_is_missing_is_no_zero_and_a_broken_one_shows() -> None:
    assert [number(value, "{:.2f}x") for value in (None, 0.0, "Infinity", "NaN")] == ["-", "0.00x", "infx", "nanx"]
    assert number(None, "{:+.2f} points", "not measured") == "not measured"


def shown(*rows: tuple[str, str, str]) -> Table:
    made = table(None, ("group",), ("loss",), ("why",))
    for group, loss, why in rows:
        made.add_row(name(group), loss, why)
    return made


def test_a_table_as_text_is_as_wide_as_its_cells_and_takes_nothing_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    why = "a long story [bold]of[/bold] :smile: " * 20
    head, rule, first, second = text_lines(shown(("ppo[wide][/b]", "0.5", why), ("x", "12.25", "")))
    assert head == "group           loss  why"
    assert set(rule) == {"─"}
    assert first == f"ppo[wide][/b]    0.5  {why.rstrip()}"
    assert second == "x              12.25"
