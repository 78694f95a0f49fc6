"""The demo as a pack, made once by the command."""

from pathlib import Path

import pytest

from nissa.cli.main import main


@pytest.fixture(scope="session")
def pack(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's pack."""
    folder = tmp_path_factory.mktemp("packs") / "demo"
    assert main(["pack", str(demo), "-o", str(folder)]) == 0
    return folder
