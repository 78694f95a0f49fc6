"""What may the reader choose? The data source, then runs, groups, environments and blueprints that it knows."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from nissa.grafana.panels import SOURCE

__all__ = ["variables"]

_RUN = '__name__=~"nissa_run_info|nissa_run_last_event_timestamp_seconds"'
"""What each run has from its first event on: a trainer need not say that it starts, and a recording does not live."""
_ENV = '__name__=~"nissa_episodes_started_total|nissa_epochs_total|nissa_batches_total"'
"""What begins in each environment, of which one is first."""
_SEEDS = '__name__=~"nissa_seeds_germinated_total|nissa_seeds_fossilized_total|nissa_seeds_culled_total"'


def _processes(selector: str) -> str:
    return f"count by (instance) (last_over_time({selector}[$__range]))"


_OF_RUNS = _processes(f'{{{_RUN}, run=~"$run"}}')
_OF_NONE = f"{_processes('nissa_scrapes_total')} unless {_processes(f'{{{_RUN}}}')}"
"""Processes that had no run, which no choice of runs leaves out; labels of one metric could not say that."""

_QUERIES = {
    "run": f"label_values({{{_RUN}}}, run)",
    "instance": f"query_result({_OF_RUNS} or ({_OF_NONE}))",
    "group": f'label_values({{{_ENV}, run=~"$run"}}, group)',
    "env": f'label_values({{{_ENV}, run=~"$run", group=~"$group"}}, env)',
    "blueprint": f'label_values({{{_SEEDS}, run=~"$run", group=~"$group", env=~"$env"}}, blueprint)',
}
_LABELS = {"env": "environment"}
_REGEXES = {"instance": '/instance="([^"]+)"/'}
"""What is chosen of a result, where it is not a label's values."""

_RUNS = "A group has shades of one colour in all its runs, a blueprint the same: choose one run to see it alone."
_HINTS = {"run": _RUNS}
"""Shown beside the name of a variable."""


def variables(names: Sequence[str]) -> list[Any]:
    """The data source, and those of the others that the dashboard uses, each under those that it depends on."""
    source = DatasourceVariable("datasource").label("data source").type("prometheus")
    return [source, *(_variable(name, query) for name, query in _QUERIES.items() if name in names)]


def _variable(name: str, query: str) -> QueryVariable:
    """All is any value, the empty one too: what has no environment is shown until one is chosen.

    All processes are those of the runs chosen, and of none.
    """
    variable = QueryVariable(name).label(_LABELS.get(name, name)).datasource(SOURCE)
    variable.query({"query": query, "refId": name}).definition(query).regex(_REGEXES.get(name, ""))
    variable.multi(True).include_all(True).current(VariableOption(True, ["All"], ["$__all"]))
    if name in _HINTS:
        variable.description(_HINTS[name])
    if name != "instance":
        variable.all_value(".*")
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
