"""A pack for reading: `nissa.open_pack("pack")`, as a torch data set, as data frames, in parts that do not leak."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nissa.pipeline.packs.hosts import by_host, divided
from nissa.pipeline.packs.reading import episodes, head, parquet, refuse_damaged
from nissa.sinks.data_pack import DECISIONS, EPISODES, Episode, PackHead
from nissa.sinks.packages import needed

if TYPE_CHECKING:
    from nissa.pipeline.packs.dataset import Decisions

__all__ = ["Pack", "open_pack"]


def open_pack(path: str | Path) -> "Pack":
    """The pack in a folder. Nothing of it is read before it is asked for.

    Raises PackError where there is none, a newer version, or a file of another size than it was packed with
    (`nissa pack --check` looks at every byte); MissingPackageError without pyarrow.
    """
    folder = Path(path)
    refuse_damaged(folder, sums=False)
    return Pack(folder, head(folder))


class Pack:
    """A pack, or the part of it with some of its episodes. `head` has the configuration and the features."""

    def __init__(self, folder: Path, head: PackHead, episode_ids: Collection[str] | None = None) -> None:
        self.folder, self.head = folder, head
        self._chosen = None if episode_ids is None else frozenset(episode_ids)

    @property
    def whole(self) -> "Pack":
        """The pack that this is a part of."""
        return Pack(self.folder, self.head)

    def episodes(self) -> Iterator[Episode]:
        """The episodes with their decisions, one after another from `pack.json`."""
        return (
            episode for episode in episodes(self.folder) if self._chosen is None or episode.episode_id in self._chosen
        )

    def arrow(self, table: str = "decisions", columns: Sequence[str] | None = None) -> Any:
        """The decisions, or the "episodes", as a pyarrow.Table; all columns, or these.

        Raises ValueError on another table or a column that is not there.
        """
        batches = [*self.batches(table, columns)]
        arrow = needed("pyarrow")
        return arrow.Table.from_batches(batches, schema=self._schema(table, columns))

    def to_polars(self, table: str = "decisions", columns: Sequence[str] | None = None) -> Any:
        """The same as a polars.DataFrame. Raises MissingPackageError without polars."""
        return needed("polars", "polars").from_arrow(self.arrow(table, columns))

    def batches(self, table: str = "decisions", columns: Sequence[str] | None = None) -> Iterator[Any]:
        """The same in pieces (pyarrow.RecordBatch), for what is larger than memory."""
        names = self._schema(table, columns).names
        read = names if self._chosen is None else [*dict.fromkeys(["episode_id", *names])]
        file, compute = parquet(self.folder / _FILES[table]), needed("pyarrow.compute")
        for batch in file.iter_batches(4096, columns=read):
            if self._chosen is None:
                yield batch.select(names)
                continue
            chosen = needed("pyarrow").array(sorted(self._chosen), "string")
            if (found := batch.filter(compute.is_in(batch["episode_id"], chosen))).num_rows:
                yield found.select(names)

    def split(self, seed: int, fractions: Sequence[float]) -> list["Pack"]:
        """Parts with about these fractions of the episodes, the same for the same seed.

        Episodes of one host are never in two parts: those of one environment of a run, in whatever group, nor those of
        environments that began with the same seed, also of another run. For these train the same network with the same
        batches, and have the same twin. Raises ValueError where the fractions are none, or there are too few hosts.
        """
        rows = self.arrow("episodes", ["episode_id", "run", "env", "torch_seed"]).to_pylist()
        return [Pack(self.folder, self.head, part) for part in divided(by_host(rows), seed, fractions)]

    def dataset(self, features: str | Sequence[str] = "all", target: str = "op") -> "Decisions":
        """A torch Dataset of the decisions whose target is known: see `Decisions`.

        `features` are "all", names, or names of groups; `target` is a column of the decisions. Raises ValueError on a
        name that is not there, ImportError without torch.
        """
        from nissa.pipeline.packs.dataset import Decisions  # noqa: PLC0415  # only this needs torch

        return Decisions(self, features, target)

    def places(self, features: str | Sequence[str] = "all") -> dict[str, int]:
        """Features by name, with their places in `observation.features`; of a group, all its features."""
        schema: dict[str, Any] = self.head.feature_schema
        index: dict[str, int] = schema["_index"]
        asked = [*index] if features == "all" else [features] if isinstance(features, str) else [*features]
        names = [name for told in asked for name in (schema[told] if told in schema and told != "_index" else [told])]
        if unknown := [name for name in names if name not in index]:
            groups = ", ".join(group for group in schema if group != "_index")
            raise ValueError(f"there is no feature or group {unknown[0]!r}: the groups are {groups}")
        return {name: index[name] for name in names}

    def _schema(self, table: str, columns: Sequence[str] | None) -> Any:
        if table not in _FILES:
            raise ValueError(f"there is no table {table!r}: there are {', '.join(_FILES)}")
        schema = parquet(self.folder / _FILES[table]).schema_arrow
        if unknown := [name for name in columns or () if name not in schema.names]:
            raise ValueError(f"there is no column {unknown[0]!r} in {table}: there are {', '.join(schema.names)}")
        return schema if columns is None else needed("pyarrow").schema([schema.field(name) for name in columns])


_FILES = {"decisions": DECISIONS, "episodes": EPISODES}
