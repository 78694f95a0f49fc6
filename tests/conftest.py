"""What all tests share: a checkout that need not be installed, options, one demo, and a real Prometheus."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.prometheus import Prometheus
from tests.waiting import TRAINED

ROOT = Path(__file__).parents[1]

# A busy machine is no finding.
settings.register_profile("nissa", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nissa")

# Tests run beside each other: threads of torch would only get in each other's way. Trainings have one anyway.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def stand_in() -> None:
    """Let the root be the package `nissa`, in a checkout that was not installed."""
    spec = importlib.util.spec_from_file_location("nissa", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec
    assert spec.loader
    sys.modules["nissa"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["nissa"])


if importlib.util.find_spec("nissa") is None:
    stand_in()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The log of another system that the tests of its reader run on."""
    parser.addoption("--esper-log", metavar="PATH", help="a log of esper-lite (../shared/esper/events.jsonl)")
    parser.addoption("--esper-old", metavar="DIR", help="a folder of its older logs (../shared/esper/old)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One file that needs the demo comes first, and the others last: then nobody waits while it is trained."""
    needing = list(dict.fromkeys(item.path for item in items if "demo" in getattr(item, "fixturenames", ())))
    turn = dict.fromkeys(needing, 2) | dict.fromkeys(needing[:1], 0)
    items.sort(key=lambda item: turn.get(item.path, 1))


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def old_logs(request: pytest.FixtureRequest, root: Path) -> Path:
    """The folder of older logs that --esper-old names."""
    path = Path(request.config.getoption("--esper-old") or root.parent / "shared" / "esper" / "old")
    if not path.is_dir():
        pytest.skip(f"no older logs of esper-lite at {path}: give their folder with --esper-old DIR")
    return path


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A real Prometheus: `scrape(url)`, then `query(promql)`."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine: apt-get install prometheus")
    server = Prometheus(tmp_path_factory.mktemp("prometheus"))
    try:
        server.wait(lambda: server.query("vector(1)"))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a small `nissa demo`, run as a user runs it, with everything measured.

    Workers of pytest-xdist share it: the first that needs it trains, and others wait.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return trained(tmp_path_factory.mktemp("demo"))
    from filelock import FileLock

    shared = tmp_path_factory.getbasetemp().parent
    with FileLock(shared / "demo.lock"):
        return trained(shared / "demo")


def trained(directory: Path) -> Path:
    """A demo in the directory, unless there is one."""
    out, said = directory / "run", directory / "run.txt"
    if not said.exists():
        words = ["demo", "--envs", "2", "--episodes", "3", "--seed", "1", "--profile", "research", "--out", str(out)]
        command = [sys.executable, "-m", "nissa.cli.main", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRAINED, check=False)
        assert done.returncode == 0, done.stderr
        said.write_text(done.stdout)
    return out
