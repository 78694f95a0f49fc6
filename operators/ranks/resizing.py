"""A job goes on with more ranks, or fewer: then those beyond its last one are none of it any more."""

from collections.abc import Iterator

from nissa.events.kinds import Payload
from nissa.operators.alerts import AlertKey, resolve
from nissa.operators.ranks.job import JobState, rank_of

__all__ = ["resize"]


def resize(job: JobState, world_size: int) -> Iterator[Payload]:
    """So many ranks go on. What stood against one that does not is over."""
    job.world_size, tracks = world_size, job.tracks.items.values()
    for rank in [rank for rank in job.ranks if rank >= world_size]:
        del job.ranks[rank]
        for track in tracks:
            track.restart(rank)

    def is_beyond(key: AlertKey) -> bool:
        return rank_of(key[1]) >= world_size

    for alerts in (job.alerts, *(track.alerts for track in tracks)):
        yield from resolve(alerts, "run_ended", is_beyond)
