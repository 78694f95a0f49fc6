"""Draws the dashboards with Grafana's own components: `python -m tests.dashboards.shoot RUN [RUN ...] --out DIR`.

The runs become hours of history in a real Prometheus, a headless Chromium draws each dashboard over them, and DIR gets
a picture of each, and one of its first screen. Ends with 1 if a panel is broken, or empty without a reason; one of a
kind that Grafana's packages lack shows how many series it got. `make screenshots` installs and builds what this needs,
but for Debian's chromium, fonts-dejavu-core, nodejs, npm and prometheus.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.grafana import history
from tests.grafana.test_live import NOTHING_TO_SHOW
from tests.prometheus import Prometheus

__all__ = ["complaints", "main"]

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "grafana/dashboards"
EMPTY = {
    **NOTHING_TO_SHOW,
    "Runs ended": "the last run goes on",
    **dict.fromkeys(("Alerts that stand", "Dropped by kind", "Shed by sinks"), "nothing is wrong"),
    "Layers with a complaint": "nothing is wrong at the end",
}


def main(arguments: Sequence[str]) -> int:
    """Draw, and tell what is wrong; 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboards.shoot")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run directories, one after the other")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pictures go")
    parser.add_argument("--hours", type=float, default=6.0, help="of history (6)")
    parser.add_argument("--boards", type=Path, default=SHIPPED, metavar="DIR", help="folder of dashboards")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="the history: made here, and taken from here again")
    parser.add_argument("--chromium", default="/usr/bin/chromium", metavar="PATH")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        told = _drawn(options, options.keep or Path(scratch))
    found = [*told["problems"], *complaints(told["drawn"])]
    states = Counter(panel["state"] for panels in told["drawn"].values() for panel in panels)
    print(*found, ", ".join(f"{count} {state}" for state, count in states.items()), sep="\n")  # noqa: T201
    return 1 if found else 0


def complaints(drawn: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Panels that are broken, or empty without a reason."""
    for board, panels in drawn.items():
        for panel in panels:
            title, state = panel["title"], panel["state"]
            if state == "error":
                yield f"{board}: {title} is broken: {panel['error']}"
            elif state == "empty" and title not in EMPTY:
                yield f"{board}: {title} is empty"


def _drawn(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """What the browser says of each panel of each dashboard."""
    if not (directory / "data").exists():
        history.main([*map(str, options.runs), str(directory / "data"), "--hours", str(options.hours)])
    server = Prometheus(directory, lookback="20s")
    try:
        server.wait(lambda: server.query("vector(1)"))
        ((_, end),) = server.query("max_over_time(timestamp(up)[1d:15s])")
        asked = {
            "chromium": options.chromium,
            "prometheus": server.url,
            "from": end - 3600 * options.hours,
            "to": end,
            "width": 1600,
            "out": str(options.out.resolve()),
            "boards": {file.stem: str(file.resolve()) for file in sorted(options.boards.glob("*.json"))},
        }
        done = subprocess.run(["node", HERE / "drive.mjs", json.dumps(asked)], stdout=subprocess.PIPE, check=True)
    finally:
        server.stop()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
