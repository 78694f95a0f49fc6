"""A report judged by axe-core, in both themes and at phone width: `python -m tests.cli.runs.report.judged RUN`.

Ends with 1 on a serious violation. `make accessible` installs what it needs, but for Debian's chromium, nodejs and npm.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nissa.cli.main import main as nissa
from tests.chromium import chromium

__all__ = ["main"]

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
LOOKS = [(1280, False), (1280, True), (360, False)]
BAD = {"serious", "critical"}


def main(run: str) -> int:
    """Tell each violation; 1 if one is serious."""
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "report.html"
        assert nissa(["report", run, "-o", str(page)]) in {0, 1}
        found = [*_violations(page, Path(scratch) / "chromium")]
    told = [f"{v['impact']}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found]
    print(*dict.fromkeys(told), f"{len(found)} violations in {len(LOOKS)} looks", sep="\n")  # noqa: T201
    return int(any(violation["impact"] in BAD for violation in found))


def _violations(file: Path, scratch: Path) -> Iterator[Any]:
    with chromium(scratch) as pages:
        for width, dark in LOOKS:
            page = pages()
            page.open(f"file://{file}", width=width, dark=dark)
            page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            page.run(AXE.read_text())
            yield from page.run("axe.run().then((told) => told.violations)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
