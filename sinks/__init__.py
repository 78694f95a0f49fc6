"""Where do events go? A sink is any callable that takes an event; these are the ones that Nissa brings.

Called with each event, in order, on a thread of its own. It may have
- `flush()`, called when its queue runs empty, and `close()`, called last;
- `kinds`, a tuple, if it does not want all;
- `take_all(events)`, given several, takes all and returns True, or takes none: then they come one by one;
- `unwritten`, how many of the events that it took are not out yet, if a `flush` that raises may have written some;
- `inline = True` if it only updates memory: the hub's own thread calls it, and neither flushes nor closes it.
What raises is tried again and then buried as a dead letter. Nobody promises that an event comes once: a retry may bring
it again.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nissa.events.event import Event

if TYPE_CHECKING:
    from nissa.sinks.console import ConsoleSink, LiveLines
    from nissa.sinks.prometheus import MetricsServer, PrometheusSink
    from nissa.sinks.run_log import RunLog
    from nissa.sinks.store import RunStore
    from nissa.sinks.tables import Tables
    from nissa.sinks.tensorboard import TensorBoardSink
    from nissa.sinks.wandb import WandbSink

__all__ = [
    "ConsoleSink",
    "LiveLines",
    "MetricsServer",
    "PrometheusSink",
    "RunLog",
    "RunStore",
    "Sink",
    "Tables",
    "TensorBoardSink",
    "WandbSink",
]

Sink = Callable[[Event[Any]], Any]
"""Takes events."""

_HOMES = {
    "ConsoleSink": "nissa.sinks.console",
    "LiveLines": "nissa.sinks.console",
    "MetricsServer": "nissa.sinks.prometheus",
    "PrometheusSink": "nissa.sinks.prometheus",
    "RunLog": "nissa.sinks.run_log",
    "RunStore": "nissa.sinks.store",
    "Tables": "nissa.sinks.tables",
    "TensorBoardSink": "nissa.sinks.tensorboard",
    "WandbSink": "nissa.sinks.wandb",
}


def __getattr__(name: str) -> Any:
    """Names are resolved on first use: a replay that needs the tables loads no metrics server."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
