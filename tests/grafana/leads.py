"""Which address does an alert lead to? Its own template, filled in as Prometheus does."""

import re
from collections.abc import Mapping
from urllib.parse import quote_plus

from tests.grafana.rules import ALERTS

__all__ = ["url"]

_CHOICE = re.compile(r"{{ with \$labels\.(\w+) }}(.*?){{ \. \| urlquery }}{{ end }}")


def url(alert: str, labels: Mapping[str, str]) -> str:
    """The panel alone, for what an alert's labels say, as far as the dashboard has variables for it."""
    template: str = ALERTS[alert]["annotations"]["dashboard_url"]
    return _CHOICE.sub(lambda found: found[2] + quote_plus(labels[found[1]]) if labels.get(found[1]) else "", template)
