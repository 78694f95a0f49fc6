"""Lets a bare `pytest` work in a checkout that was not installed: `nissa.<folder>` is the folder at the root."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no finding.
settings.register_profile("nissa", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nissa")

if importlib.util.find_spec("nissa") is None:
    spec = ModuleSpec("nissa", None, is_package=True)
    spec.submodule_search_locations = [str(Path(__file__).parent)]
    sys.modules["nissa"] = importlib.util.module_from_spec(spec)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The log of another system that the tests of its reader run on."""
    parser.addoption("--esper-log", metavar="PATH", help="a log of esper-lite (../shared/esper/events.jsonl)")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent
