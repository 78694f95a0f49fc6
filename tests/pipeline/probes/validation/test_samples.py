"""Logits and labels find each other whatever their shapes, against a loop over the labels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nissa.pipeline.probes.validation.per_class import samples


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(5, 7), st.booleans())
def test_every_label_has_its_logits_with_classes_last_or_in_dimension_1(
    shape: list[int], classes: int, last: bool
) -> None:
    rows = torch.arange(classes * torch.Size(shape).numel()).view(*shape, classes)
    labels = torch.arange(torch.Size(shape).numel()).view(shape)
    found, flat = samples(rows if last else rows.movedim(-1, 1), labels)
    assert found.tolist() == [row.tolist() for row in rows.reshape(-1, classes)]
    assert flat.tolist() == list(range(labels.numel()))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.bool])
def test_labels_are_of_any_whole_numbers(dtype: torch.dtype) -> None:
    _, labels = samples(torch.zeros(2, 3), torch.tensor([0, 1]).to(dtype))
    assert (labels.dtype, labels.tolist()) == (torch.int64, [0, 1])


def test_rows_of_logits_go_with_labels_of_any_shape() -> None:
    rows = torch.randn(6, 3)
    found, labels = samples(rows, torch.arange(6).view(2, 3))
    assert found is rows
    assert labels.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (torch.zeros(8, 5, 5), torch.zeros(8, 5, dtype=torch.int64), r"\(8, 5, 5\) .* \(8, 5\) fit in two ways"),
        (torch.zeros(8, 5, 6), torch.zeros(8, dtype=torch.int64), "do not fit"),
        (torch.zeros(()), torch.zeros((), dtype=torch.int64), "do not fit"),
    ],
)
def test_what_does_not_fit_or_fits_in_two_ways_is_refused(logits: Tensor, labels: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        samples(logits, labels)


def test_labels_of_a_regression_and_outputs_that_are_no_tensor_are_refused() -> None:
    with pytest.raises(TypeError, match=r"labels of torch\.float32 are no classes"):
        samples(torch.zeros(4, 1), torch.zeros(4, 1))
    with pytest.raises(TypeError, match=r"logits must be a tensor, not dict: Watch\(logits=...\)"):
        samples({"logits": torch.zeros(4, 3)}, torch.zeros(4, dtype=torch.int64))  # type: ignore[arg-type]
