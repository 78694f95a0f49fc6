"""What may the reader choose? The data source, then runs, groups, environments and blueprints that it knows."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from nissa.grafana.fields import SOURCE

__all__ = ["variables"]

_QUERIES = {
    "run": "label_values(nissa_run_info, run)",
    "instance": 'label_values(nissa_run_info{run=~"$run"}, instance)',
    "group": 'label_values(nissa_epochs_total{run=~"$run"}, group)',
    "env": 'label_values(nissa_epochs_total{run=~"$run", group=~"$group"}, env)',
    "blueprint": 'label_values(nissa_seeds_germinated_total{run=~"$run", group=~"$group"}, blueprint)',
}
_LABELS = {"env": "environment"}


def variables(names: Sequence[str]) -> list[Any]:
    """The data source, and those of the others that the dashboard uses, each under those that it depends on."""
    source = DatasourceVariable("datasource").label("data source").type("prometheus")
    return [source, *(_variable(name, query) for name, query in _QUERIES.items() if name in names)]


def _variable(name: str, query: str) -> QueryVariable:
    """All is any value, the empty one too: what has no environment is shown until one is chosen."""
    variable = QueryVariable(name).label(_LABELS.get(name, name)).datasource(SOURCE)
    variable.query({"query": query, "refId": name}).definition(query).regex("")
    variable.multi(True).include_all(True).all_value(".*").current(VariableOption(True, ["All"], ["$__all"]))
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
