"""/metrics over HTTP: Prometheus text, or OpenMetrics for who asks for it."""

__all__ = ["MetricsServer"]


class MetricsServer:
    def __init__(self, *a): ...
