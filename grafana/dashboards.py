"""All dashboards, and the files made of them: `python -m nissa.grafana.dashboards` writes them anew.

A dashboard is a function that returns its JSON; a new one is a line in the table here. Files are committed and shipped,
so that only who changes a dashboard needs the SDK.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nissa.grafana.alerts_table import with_alerts_table
from nissa.grafana.assets import rule_files, rule_groups
from nissa.grafana.boards import (
    blueprints_board,
    cluster_board,
    network_board,
    overview_board,
    pipeline_board,
    policy_board,
    slots_and_seeds_board,
    written,
)
from nissa.grafana.leads import with_leads
from nissa.grafana.metrics_page import metrics_page, uses
from nissa.grafana.quantities_page import quantities_page

__all__ = ["files"]

_ROOT = Path(__file__).resolve().parents[1]
"""Through the link of an editable install to the checkout."""
_OF_A_RUN = (overview_board, blueprints_board, slots_and_seeds_board, policy_board, network_board, pipeline_board)
_DASHBOARDS = (*_OF_A_RUN, cluster_board)


def files() -> dict[str, str]:
    """Texts by path from the root: dashboards, rules whose alerts lead to their panels, and pages of both."""
    documents: list[dict[str, Any]] = [make() for make in _DASHBOARDS]
    boards = {f"grafana/dashboards/{document['uid']}.json": written(document) for document in documents}
    rules = {f"grafana/rules/{name}": with_leads(text, documents) for name, text in rule_files().items()}
    pages = {
        "docs/metrics.md": metrics_page(documents, rule_groups()),
        "docs/quantities.md": quantities_page(uses(documents, rule_groups())),
        "docs/runbooks.md": with_alerts_table((_ROOT / "docs/runbooks.md").read_text(), documents, rule_groups()),
    }
    return boards | rules | pages


def _write(texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (_ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write(files())
