"""Where do emitters put events? As long as one of them holds it, or the `Telemetry`, somebody may emit."""

from nissa.pipeline.hub.hub import Hub

__all__ = ["Inlet"]


class Inlet:
    """What a hub offers to emitters. The hub's own threads do not hold it, so it is garbage when nobody can emit."""

    __slots__ = ("__weakref__", "faults", "meter", "put", "relay")

    def __init__(self, hub: Hub) -> None:
        self.put, self.relay, self.faults, self.meter = hub.put, hub.relay, hub.faults, hub.meter
