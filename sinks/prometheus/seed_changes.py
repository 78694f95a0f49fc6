"""What becomes known, and what is no longer true, when a seed of an environment comes or goes?"""

from dataclasses import replace
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import GradientsMeasured, SeedCulled, SeedGerminated
from nissa.sinks.prometheus.catalog import OF_SEEDS
from nissa.sinks.prometheus.snapshot import LatestByKind

__all__ = ["MAX_SEEDS", "came", "named", "went"]

MAX_SEEDS = 1_000
"""Seeds of an episode whose blueprints are kept; the end of one that is not remembered tells it, or nobody does."""
_CLEARED = "episode_end"
"""Who ends seeds when their episode is over: its rows keep their last values until the next one begins."""


def came(place: LatestByKind, event: Event[SeedGerminated]) -> None:
    """Remember what the end of the seed may not repeat, and forget what was measured without it."""
    seed = event.payload
    if len(place.blueprints) < MAX_SEEDS:
        place.blueprints[seed.slot, seed.seed] = seed.blueprint
    _change(place)


def went(place: LatestByKind, event: Event[SeedCulled]) -> None:
    """Forget what was measured with it."""
    if event.payload.initiator == _CLEARED:
        return
    _change(place)
    if gradients := place.latest.get(GradientsMeasured):
        ratios = {slot: ratio for slot, ratio in gradients.payload.seed_to_host.items() if slot != event.payload.slot}
        place.latest[GradientsMeasured] = replace(gradients, payload=replace(gradients.payload, seed_to_host=ratios))


def named(place: LatestByKind, event: Event[Any]) -> Event[Any]:
    """The end of a seed with the blueprint that its germination told, where it does not repeat that."""
    end = event.payload
    where = next((at for at in place.blueprints if at == (end.slot, end.seed or at[1])), None)
    if where is None:
        return event
    known = place.blueprints.pop(where)
    return event if end.blueprint else replace(event, payload=replace(end, blueprint=known))


def _change(place: LatestByKind) -> None:
    for kind in OF_SEEDS:
        place.latest.pop(kind, None)
