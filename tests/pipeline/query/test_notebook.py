"""The notebook of the documents, cell by cell, over a demo."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "ask_a_run.ipynb"


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_every_cell_answers_with_rows(
    run: Path, cells: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    assert len(cells) == 10
    for cell in cells:
        answer = executed("".join(cell["source"]), known)
        assert len(answer), cell["source"]


def test_each_cell_shows_what_it_answered_when_it_was_written(cells: list[dict[str, Any]]) -> None:
    assert [cell["execution_count"] for cell in cells] == [*range(1, 11)]
    assert all("text/html" in cell["outputs"][-1]["data"] for cell in cells)


def executed(source: str, known: dict[str, Any]) -> Any:
    """What a notebook shows of a cell: the value of its last line."""
    *before, last = ast.parse(source).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(before, []), "<cell>", "exec"), known)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), known)
