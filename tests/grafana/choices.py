"""What can the reader choose? The values of a variable, as Grafana would get them from a real Prometheus."""

import re
from typing import Any

from tests.grafana.promql import filled
from tests.prometheus import Prometheus

__all__ = ["choices"]


def choices(
    server: Prometheus, variable: dict[str, Any], time: dict[str, str] | None = None, **chosen: str
) -> set[str]:
    """Values of a variable, where `chosen` is chosen of those before it, at a `time` that is else now."""
    kind, asked = re.fullmatch(r"(label_values|query_result)\((.*)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
    if kind == "label_values":
        selector, label = asked.rsplit(", ", 1)
        return {*server.get(f"label/{label}/values", **{"match[]": filled(selector, **chosen)})}
    rows = server.get("query", query=filled(asked, **chosen), **time or {})["result"]
    texts = ["{" + ",".join(f'{name}="{value}"' for name, value in row["metric"].items()) + "}" for row in rows]
    found = [re.search(variable["regex"].strip("/"), text) for text in texts]
    return {match[1] for match in found if match}
