"""`python -m tests.integrations.panels`: of how many panels does each integration's training feed, by board?"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nissa import Telemetry
from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from nissa.integrations import LightningCallback, StableBaselines3Callback, TransformersCallback
from tests.grafana.checking import panels
from tests.grafana.served import Served, served
from tests.integrations import test_lightning, test_stable_baselines3, test_transformers
from tests.prometheus import Prometheus

_BOARDS = [json.loads(file.read_text()) for file in sorted(Path("grafana/dashboards").glob("*.json"))]


def _lightning(telemetry: Telemetry, _: Path) -> None:
    test_lightning.trained([LightningCallback(telemetry)])


def _transformers(telemetry: Telemetry, out: Path) -> None:
    trainer = test_transformers.made(out, test_transformers.classifier(), eval_strategy="steps", eval_steps=20)
    trainer.add_callback(TransformersCallback(trainer, telemetry))
    trainer.train()


def _stable_baselines3(telemetry: Telemetry, _: Path) -> None:
    test_stable_baselines3.trained(StableBaselines3Callback(telemetry))


_TRAININGS: dict[str, Callable[[Telemetry, Path], None]] = {
    "Lightning": _lightning,
    "Hugging Face": _transformers,
    "Stable-Baselines3": _stable_baselines3,
}


def _fed(train: Callable[[Telemetry, Path], None], profile: str) -> list[str]:
    """Panels with data, of how many, by board."""
    with tempfile.TemporaryDirectory() as directory:
        with Telemetry(out=Path(directory) / "run", config=profile) as telemetry:
            train(telemetry, Path(directory))
        events: list[Event[Any]] = []
        read_run(Path(directory) / "run", events.append)
        prometheus = Prometheus(Path(directory))
        try:
            with served(prometheus, events, parts=3) as found:
                return [_of(board, found) for board in _BOARDS]
        finally:
            prometheus.stop()


def _of(board: dict[str, Any], found: Served) -> str:
    each = [any(found.series(target["expr"]) for target in panel["targets"]) for panel in panels(board)]
    return f"{sum(each)} of {len(each)}"


if __name__ == "__main__":
    sys.stdout.write(f"| training, profile | {' | '.join(board['title'] for board in _BOARDS)} |\n")
    for name, train in _TRAININGS.items():
        for profile in ("standard", "research"):
            sys.stdout.write(f"| {name}, {profile} | {' | '.join(_fed(train, profile))} |\n")
