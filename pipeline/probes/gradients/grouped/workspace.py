"""The memory in which gradients are reduced: made once, so that a look takes none anew.

>>> space = Workspace(8)
>>> view = space.view(torch.zeros(2, 3), 1)
>>> view.fill_(2.0).shape, space.values[:8].tolist()
(torch.Size([2, 3]), [0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0])
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["Magnitudes", "Workspace"]

Magnitudes: TypeAlias = npt.NDArray[np.float32]


class Workspace:
    """Room for `size` elements: their values, something made of each, and a mark on each; 9 bytes in all."""

    def __init__(self, size: int) -> None:
        self.values = np.zeros(size, np.float32)
        self.scratch = np.empty(size, np.float32)
        self.marks = np.empty(size, np.bool_)
        # What is made in inference mode could not be written to outside of it.
        with torch.inference_mode(False):
            self._tensor = torch.from_numpy(self.values)
            self._codes = torch.from_numpy(self.values.view(np.int32))

    def view(self, like: Tensor, start: int) -> Tensor:
        """The values from `start` on as a tensor like another, which lies in memory as that does, but without gaps."""
        strides = like.stride() if like.is_contiguous() else torch.empty_like(like, device="meta").stride()
        return self._tensor.as_strided(like.shape, strides, start)

    def bits(self, n: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The first n values and the scratch, bit by bit."""
        return self.values[:n].view(np.int32), self.scratch[:n].view(np.int32)

    def counted(self, n: int, minlength: int) -> Tensor:
        """How often each whole number from 0 on is among the first n of the bits."""
        return torch.bincount(self._codes[:n], minlength=minlength)
