"""Is a pack whole, and do its files say the same? Row by row, so that a large one needs no more memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from nissa.events.json_encoding import plain
from nissa.pipeline.packs.reading import episodes, head, parquet, refuse_damaged
from nissa.sinks.data_pack import (
    DECISIONS,
    EPISODES,
    PACK,
    Episode,
    PackError,
    PackHead,
    decision_rows,
    decisions_schema,
    episode_row,
    episodes_schema,
)

__all__ = ["check_pack"]


def check_pack(folder: Path) -> str:
    """A line that says what is in a pack that is whole. Raises PackError with the first thing that is not."""
    refuse_damaged(folder, sums=True)
    found = head(folder)
    _refuse_index(folder, found)
    decisions = _compare(folder, DECISIONS, decisions_schema(), decision_rows, found)
    told = _compare(folder, EPISODES, episodes_schema(), lambda episode: [episode_row(episode)], found)
    for name, counted, said in (
        ("decisions", decisions, found.quick_stats.decisions),
        ("episodes", told, found.quick_stats.episodes),
    ):
        if counted != said:
            raise PackError(f"{folder / PACK}: {counted} {name}, and quick_stats says {said}")
    return f"{folder}: {found.pack_id} is whole: {told:,} episodes, {decisions:,} decisions, {_width(found)} features."


def _width(found: PackHead) -> int:
    return len(found.feature_schema["_index"])


def _refuse_index(folder: Path, found: PackHead) -> None:
    groups = [names for group, names in found.feature_schema.items() if group != "_index"]
    places = {name: place for place, name in enumerate(chain.from_iterable(groups))}
    if found.feature_schema.get("_index") != places:
        raise PackError(f"{folder / PACK}: feature_schema._index does not number the features in their order")


def _compare(
    folder: Path, name: str, schema: Any, rows: Callable[[Episode], Iterable[dict[str, Any]]], found: PackHead
) -> int:
    """How many rows a Parquet file has, each of which must be what the episodes say."""
    table = parquet(folder / name)
    if not table.schema_arrow.equals(schema):
        raise PackError(f"{folder / name}: its columns are not those of version {found.format}")
    told = chain.from_iterable(map(rows, _of_width(folder, _width(found))))
    number = 0
    for number, (row, own) in enumerate(zip_longest(_rows(table), told), start=1):
        if row is None or own is None or plain(row) != plain(own):
            raise PackError(f"{folder / name}: row {number} is not what {PACK} says{_where(row, own)}")
    return number


def _of_width(folder: Path, width: int) -> Iterator[Episode]:
    for episode in episodes(folder):
        for decision in episode.decisions:
            if len(decision.observation.features) != width:
                told = f"{len(decision.observation.features)} features, and not {width}"
                raise PackError(f"{folder / PACK}: {episode.episode_id}, epoch {decision.epoch}: {told}")
        yield episode


def _rows(table: Any) -> Iterator[dict[str, Any]]:
    for batch in table.iter_batches(1024):
        yield from batch.to_pylist()


def _where(row: dict[str, Any] | None, own: dict[str, Any] | None) -> str:
    if row is None or own is None:
        return ": one of them is shorter"
    return ": " + next(name for name in own if plain(row[name]) != plain(own[name]))
