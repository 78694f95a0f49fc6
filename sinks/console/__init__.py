"""What happens now? Lines in a terminal while a run goes on, and its summary tables at the end."""

from nissa.sinks.console.alerts import alert_table
from nissa.sinks.console.blueprints import blueprint_tables
from nissa.sinks.console.console_sink import ConsoleSink
from nissa.sinks.console.injected_faults import InjectedFaults, injected_text
from nissa.sinks.console.live_lines import LiveLines
from nissa.sinks.console.network_tables import layer_table, network_table
from nissa.sinks.console.news import News
from nissa.sinks.console.scalars import scalar_table
from nissa.sinks.console.scoreboard import scoreboard_table
from nissa.sinks.console.summary_tables import best_runs_table, summary, summary_parts
from nissa.sinks.console.verdict import NO_SEEDS, verdict_lines, without_seeds

__all__ = [
    "NO_SEEDS",
    "ConsoleSink",
    "InjectedFaults",
    "LiveLines",
    "News",
    "alert_table",
    "best_runs_table",
    "blueprint_tables",
    "injected_text",
    "layer_table",
    "network_table",
    "scalar_table",
    "scoreboard_table",
    "summary",
    "summary_parts",
    "verdict_lines",
    "without_seeds",
]
