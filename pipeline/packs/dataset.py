"""Decisions as a torch Dataset: vectors of features in a file that is mapped into memory."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from nissa.sinks.packages import needed

if TYPE_CHECKING:
    from nissa.pipeline.packs.opening import Pack

__all__ = ["Decisions", "Sample"]


class Sample(NamedTuple):
    """One decision, or a batch of them with one more dimension."""

    features: Tensor
    """float32, one for each name in `Decisions.names`; 0 where it was not measured, NaN where it was
    found broken, or has no room in a float32."""
    known: Tensor
    """bool, likewise: whether it was measured."""
    target: Tensor
    """int64, the place in `Decisions.classes`, or float32 where the target is a number."""


class Decisions(Dataset[Sample]):
    """The decisions of a pack whose target is known, in their order.

    `names` are those of the features. `classes` are the values of a target that is a text or a truth, sorted, the same
    in all parts of a pack; empty where it is a number. Give a DataLoader `collate_fn=Decisions.together`, or take
    batches at once with `dataset[list_of_places]`.
    """

    def __init__(self, pack: "Pack", features: str | Sequence[str], target: str) -> None:
        places = pack.places(features)
        self.names = [*places]
        self.classes: list[Any] = _classes(pack, target)
        self._targets = self._read_targets(pack, target)
        self._features = _mapped(len(self._targets), len(self.names))
        row, wanted = 0, torch.tensor([*places.values()], dtype=torch.long)
        for batch in _known(pack, ["features", target], target):
            told = _matrix(batch["features"], len(pack.places()))
            self._features[row : row + len(told)] = told[:, wanted]
            row += len(told)

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, at: Any) -> Sample:
        """One decision by its place, or several by a list, a slice or a tensor of places."""
        found = self._features[at]
        # What was not measured is infinite in the file: no feature is, for those that are were found broken.
        known = found != _MISSING
        return Sample(torch.where(known, found, 0.0), known, self._targets[at])

    def __getitems__(self, places: list[int]) -> Sample:
        """Several at once: what a DataLoader asks for."""
        return self[places]

    @staticmethod
    def together(samples: Any) -> Any:
        """What a DataLoader is to make of a batch: it is a Sample already."""
        return samples

    def _read_targets(self, pack: "Pack", target: str) -> Tensor:
        values = [value for batch in _known(pack, [target], target) for value in batch[target].to_pylist()]
        if self.classes:
            codes = {value: code for code, value in enumerate(self.classes)}
            return torch.tensor([codes[value] for value in values], dtype=torch.long)
        return torch.tensor(values, dtype=torch.float32)


_MISSING = float("-inf")


def _classes(pack: "Pack", target: str) -> list[Any]:
    """Of the whole pack."""
    arrow = needed("pyarrow")
    kind = pack.arrow(columns=[target]).schema.field(target).type
    if arrow.types.is_floating(kind) or arrow.types.is_integer(kind):
        return []
    if not (arrow.types.is_string(kind) or arrow.types.is_boolean(kind)):
        raise ValueError(f"target {target!r} is a {kind}: give a column of numbers, texts or truths")
    return sorted(
        {value for batch in pack.whole.batches(columns=[target]) for value in batch[target].unique().to_pylist()}
        - {None}
    )


def _known(pack: "Pack", columns: list[str], target: str) -> Iterator[Any]:
    for batch in pack.batches(columns=[*dict.fromkeys(columns)]):
        yield batch.filter(batch[target].is_valid())


def _matrix(column: Any, width: int) -> Tensor:
    """A column of vectors of `width`; what is missing is `_MISSING`, what is infinite NaN."""
    flat = column.flatten()
    known = torch.from_numpy(flat.is_valid().to_numpy(zero_copy_only=False).copy())
    values = torch.from_numpy(flat.fill_null(0.0).to_numpy(zero_copy_only=False).copy()).float()
    values[values.isinf()] = float("nan")
    values[~known] = _MISSING
    return values.reshape(len(column), width)


def _mapped(rows: int, width: int) -> Tensor:
    """Room for a matrix in a file without a name, which is gone with the process, at the latest."""
    if not rows * width:
        return torch.empty(rows, width)
    handle, name = tempfile.mkstemp(prefix="nissa-features-")
    try:
        os.truncate(handle, rows * width * 4)
        return torch.from_file(name, shared=True, size=rows * width, dtype=torch.float32).reshape(rows, width)
    finally:
        os.close(handle)
        os.unlink(name)
