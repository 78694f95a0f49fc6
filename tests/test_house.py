"""The plan of the house: floors, names, packaging, and documents that run."""

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "events": set(),
    "operators": {"events"},
    "sinks": {"events"},
    "grafana": {"events", "operators", "sinks"},
    "pipeline": {"events", "operators", "sinks"},
    "integrations": {"events", "operators", "sinks", "pipeline"},
    "trainer": {"events", "operators", "sinks", "pipeline"},
    "cli": {"events", "grafana", "operators", "sinks", "pipeline", "trainer"},
}
"""Which folders each may import from, besides itself."""
TORCH = ("integrations.", "pipeline.packs.dataset", "pipeline.probes.", "trainer.")
"""Where torch may be imported."""
WIRING = (
    *("pipeline.wiring.", "pipeline.cluster.", "pipeline.cluster_watch.", "pipeline.collector.", "pipeline.jobs."),
    *("pipeline.replay", "pipeline.following."),
)
"""Who may know which operators and sinks there are."""
LIMITS = "grafana.panels.thresholds"
"""May look behind the doors of operators: it shares the numbers that their detectors judge by."""
LONGEST = 300
"""Lines of a file."""


@cache
def modules() -> list[str]:
    """Every file of code by its name below `nissa`, but for the `__init__` of folders."""
    files = [file.relative_to(ROOT).with_suffix("") for floor in FLOORS for file in (ROOT / floor).rglob("*.py")]
    return sorted(str(file).replace("/", ".") for file in files if file.name != "__init__")


def every_module(check: Callable[[str], None]) -> Callable[[str], None]:
    """A test of a floor for what must hold for each of its files: thousands of tests would take longer than they do."""

    def of_a_floor(floor: str) -> None:
        for module in modules():
            if module.startswith(f"{floor}."):
                try:
                    check(module)
                except AssertionError as error:
                    raise AssertionError(f"{module}: {error}") from error

    of_a_floor.__name__ = check.__name__
    return pytest.mark.parametrize("floor", FLOORS)(of_a_floor)


@cache
def folders() -> list[str]:
    """Every folder of code by its name below `nissa`."""
    files = [file.parent.relative_to(ROOT) for floor in FLOORS for file in (ROOT / floor).rglob("__init__.py")]
    return sorted(str(folder).replace("/", ".") for folder in files)


def room(module: str) -> str:
    """The topic folder that a file lies in; a floor, or a folder with folders in it, is none: its files are rooms."""
    folder = module.rpartition(".")[0]
    is_topic = "." in folder and not any(other.startswith(f"{folder}.") for other in folders())
    return folder if is_topic else module


def door(target: str, module: str) -> str:
    """By what `module` may import a file: the first folder on the way, below the floor, that it does not lie in."""
    parts = target.split(".")
    ways = [".".join(parts[:depth]) for depth in range(2, len(parts))]
    return next((folder for folder in ways if not module.startswith(f"{folder}.")), target)


@cache
def entered(module: str) -> dict[str, set[str]]:
    """The files and folders that a file imports from, outside its own room, by the room that they belong to."""
    known, found = {*modules()}, dict[str, set[str]]()
    for name in imports(module):
        inside = name.removeprefix("nissa.")
        target = inside if inside in known or inside in folders() else inside.rpartition(".")[0]
        if name.startswith("nissa.") and (target in known or target in folders()):
            other = room(target) if target in known else target
            if other != room(module):
                found.setdefault(other, set()).add(target)
    return found


@cache
def imports(module: str) -> set[str]:
    """Everything that a module names in an import, wherever in the file it does."""
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative path"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


@every_module
def test_imports_only_go_down(module: str) -> None:
    floor = module.split(".", maxsplit=1)[0]
    used = {name.split(".")[1] for name in imports(module) if re.match(r"nissa\.\w", name)}
    assert used <= FLOORS[floor] | {floor}


@every_module
def test_a_room_is_entered_by_its_door(module: str) -> None:
    if module != LIMITS:
        used = {target for targets in entered(module).values() for target in targets}
        assert {target for target in used if target in modules() and door(target, module) != target} == set()


def test_arrows_between_rooms_go_one_way(root: Path) -> None:
    arrows: dict[str, set[str]] = {}
    for module in modules():
        arrows.setdefault(room(module), set()).update(entered(module))
    TopologicalSorter(arrows).prepare()


@pytest.mark.parametrize("folder", ["", *folders()])
def test_a_door_says_what_is_behind_it_and_what_one_may_take(folder: str) -> None:
    door = importlib.import_module(f"nissa.{folder}".rstrip("."))
    assert door.__doc__
    offered = getattr(door, "__all__", [])
    assert offered == sorted(offered, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    functions = {name for name in offered if inspect.isfunction(getattr(door, name))}
    behind = {part for module in modules() if module.startswith(folder) for part in module.split(".")}
    assert functions & behind == set(), "a function with the name of a room below shadows it"


@every_module
def test_no_file_is_too_long_to_read_in_one_go(module: str) -> None:
    assert len((ROOT / f"{module.replace('.', '/')}.py").read_text().splitlines()) <= LONGEST


@every_module
def test_torch_is_for_those_who_train(module: str) -> None:
    used = imports(module)
    if not module.startswith(TORCH):
        assert not {name for name in used if name.split(".")[0] in {"torch", "sklearn", "numpy"}}
        assert not {name for name in used if name.startswith("nissa.pipeline.probes")}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("nissa", "nissa.pipeline"),
        ("nissa.pipeline.telemetry", "torch"),
        ("nissa.pipeline.replay", "torch"),
        ("nissa.pipeline.replay", "nissa.sinks.prometheus"),
        ("nissa.pipeline.replay", "nissa.pipeline.process_exit"),
        ("nissa.pipeline.replay", "nissa.pipeline.hub"),
        ("nissa.sinks.run_log", "nissa.sinks.prometheus"),
    ],
)
def test_what_is_imported_brings_only_what_it_needs(module: str, unwanted: str) -> None:
    code = f"import sys, {module}; sys.exit(any(f'{{name}}.'.startswith('{unwanted}.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@every_module
def test_only_the_wiring_knows_which_operators_and_sinks_there_are(module: str) -> None:
    if not module.startswith("pipeline.") or module.startswith(WIRING):
        return
    shared = {
        "operators.fold",
        "operators.features",
        "sinks",
        "sinks.data_pack",
        "sinks.packages",
        "sinks.run_log",
        "sinks.printable",
        "sinks.serving",
    }
    assert {room for room in entered(module) if room.startswith(("operators", "sinks"))} <= shared


@every_module
def test_what_a_module_offers_is_listed_in_order_and_documented(module: str) -> None:
    loaded = importlib.import_module(f"nissa.{module}")
    assert loaded.__doc__
    public = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType | TypeVar)
        and getattr(value, "__module__", None) == loaded.__name__
    }
    assert public <= set(loaded.__all__), "public names that __all__ leaves out"
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []
    order = sorted(loaded.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert loaded.__all__ == order
    offered = [getattr(loaded, name) for name in loaded.__all__]
    assert [v for v in offered if (inspect.isclass(v) or inspect.isfunction(v)) and not inspect.getdoc(v)] == []


@every_module
def test_the_examples_in_the_docstrings_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"nissa.{module}"), optionflags=doctest.ELLIPSIS).failed == 0


def test_every_folder_of_code_is_installed_and_typed(root: Path) -> None:
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    code = {file.parent.relative_to(root) for floor in FLOORS for file in (root / floor).rglob("*.py")}
    assert listed == ["nissa", *sorted(f"nissa.{folder}".replace("/", ".") for folder in code)]
    assert [folder for folder in code if not (root / folder / "__init__.py").exists()] == []
    assert (root / "py.typed").exists()


def test_the_command_is_installed() -> None:
    (command,) = [e for e in importlib.metadata.entry_points(group="console_scripts") if e.name == "nissa"]
    assert callable(command.load())


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))])
def test_the_code_in_the_documents_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks or page != "README.md"
    for number, block in enumerate(blocks):
        (empty := tmp_path / str(number)).mkdir()
        monkeypatch.chdir(empty)
        exec(compile(block, page, "exec"), {"__name__": "document"})


def test_files_that_the_documents_speak_of_are_there(root: Path) -> None:
    floors = "|".join([*FLOORS, "tests", "docs"])
    for page in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        for file in re.findall(rf"`((?:{floors})/[\w./-]+)`", page.read_text()):
            assert (root / file).exists(), f"{page.name}: {file}"


def test_what_the_documents_have_make_do_it_does(root: Path) -> None:
    pages = [root / "Makefile", *root.glob("*.md"), *root.glob("docs/*.md")]
    named = {name for page in pages for name in re.findall(r"(?m)(?:^|[`\"])make ([a-z-]+)", page.read_text())}
    rules = set(re.findall(r"(?m)^([a-z-]+):", (root / "Makefile").read_text()))
    assert {"test", "demo"} <= named
    assert sorted(named - rules) == []


def test_the_readme_can_be_read_at_one_go(root: Path) -> None:
    assert len((root / "README.md").read_text().splitlines()) <= 150


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_links_in_the_documents_lead_somewhere(root: Path) -> None:
    for page in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            there = page.parent / link if link else page
            assert there.exists(), f"{page.name}: {link}"
            headings = re.findall(r"^#+ (.+)", there.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in map(anchor_of, headings), f"{page.name}: {link}#{anchor}"


def test_the_package_has_a_version_and_the_changelog_knows_it(root: Path) -> None:
    assert f"## {importlib.metadata.version('nissa')}" in (root / "CHANGELOG.md").read_text()
