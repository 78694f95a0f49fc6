"""`nissa demo`: about a minute of real training with telemetry on. It shows the pipeline, and claims nothing else."""

import argparse
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from nissa.cli.config import add_options, chosen
from nissa.cli.errors import UsageError, at_least, port
from nissa.cli.serving import add_web_config
from nissa.cli.terminal import say, terminal
from nissa.pipeline.config import ConfigError, TelemetryConfig
from nissa.pipeline.telemetry import Telemetry, new_run_name
from nissa.sinks.console import ConsoleSink
from nissa.sinks.packages import MissingPackageError

__all__ = ["add"]

_INJECT = (
    "a real fault, to see it noticed: loss_spike@env0:ep2:epoch5, seed_overflow@env0:ep0:epoch20, value_collapse@ep12, "
    "...; may be given again"
)


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("demo", help="train for about a minute with telemetry on")
    parser.add_argument("--episodes", type=at_least(1), default=5, help="episodes of each environment (5)")
    parser.add_argument("--envs", type=at_least(1), default=4, help="environments (4)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="seed of everything random (0)")
    parser.add_argument("--policy", choices=("ppo", "heuristic"), default="ppo", help="who decides (ppo)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run directory to write (runs/<time of day>)")
    parser.add_argument("--metrics-address", default="127.0.0.1", help="address of /metrics (127.0.0.1)")
    parser.add_argument("--metrics-port", type=port, default=0, help="port of /metrics (any free one)")
    add_web_config(parser)
    parser.add_argument("--inject", action="append", default=[], metavar="FAULT@PLACE", help=_INJECT)
    add_options(parser)
    parser.add_argument("--no-color", action="store_true", help="print plain text")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    train = _trainer(arguments)
    console = terminal(no_color=arguments.no_color)
    run = new_run_name()
    out = (arguments.out or Path("runs") / run) if config.sinks.log else None
    with _telemetry(arguments, run, out, console, config) as telemetry:
        if telemetry.metrics_url:
            say(console, f"Metrics at {telemetry.metrics_url} while it runs.")
        train(telemetry, out)
    _hints(console, out)
    return 0


def _config(arguments: argparse.Namespace) -> TelemetryConfig:
    """What the options ask for. What cannot be done is refused now, not once training began."""
    config = chosen(arguments)
    if arguments.out and not config.sinks.log:
        raise UsageError(f"nothing would be written to {arguments.out}, because sinks.log is false")
    return config


def _hints(console: Console, out: Path | None) -> None:
    if out is None:
        say(console, "No log was written, because sinks.log is false.")
        return
    say(console, f"The run is in {out}. Look at it with:")
    ways = (["report", out], ["replay", out], ["replay", out, "--json"], ["show", out], ["traces", out], ["serve", out])
    for words in ways:
        say(console, f"  {shlex.join([_program(), *map(str, words)])}")


def _trainer(arguments: argparse.Namespace) -> Callable[[Telemetry, Path | None], object]:
    try:
        # torch takes a second to load, and only those who train need it.
        from nissa.trainer.faults import Injection  # noqa: PLC0415
        from nissa.trainer.run import Settings, train  # noqa: PLC0415
        from nissa.trainer.training import WIDTHS  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: pip install 'nissa[trainer]'") from None
    names = ("policy", "envs", "episodes", "seed")
    try:
        injections = tuple(map(Injection.parse, arguments.inject))
        settings = Settings(**{name: getattr(arguments, name) for name in names}, injections=injections, widths=WIDTHS)
    except ValueError as error:
        raise UsageError(error) from None
    return lambda telemetry, out: train(settings, telemetry, out)


def _telemetry(
    arguments: argparse.Namespace, run: str, out: Path | None, console: Console, config: TelemetryConfig
) -> Telemetry:
    metrics = (arguments.metrics_address, arguments.metrics_port)
    sinks = {"console": ConsoleSink(console)} if config.sinks.console else {}
    try:
        return Telemetry(
            run, out=out, metrics=metrics, web_config=arguments.web_config, sinks=sinks, config=config, console=False
        )
    except (ConfigError, MissingPackageError) as error:
        raise UsageError(error) from None
    except OSError as error:
        raise UsageError(f"cannot write {out} and listen on {metrics[0]}:{metrics[1]}: {error}") from None


def _program() -> str:
    """The command as this user has it: on the path, or where it was called."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "nissa" and shutil.which("nissa") is None else "nissa"
