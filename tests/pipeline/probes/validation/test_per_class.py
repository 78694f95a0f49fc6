"""How each class fares, against a loop over the samples."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.pipeline.config.settings import PerClassConfig
from nissa.pipeline.probes.validation import per_class
from nissa.pipeline.probes.validation.per_class import classes_measured


@given(st.integers(0, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_figures_are_those_of_a_loop_over_the_samples(n: int, classes: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits, labels = torch.randn(n, classes, generator=draw), torch.randint(classes, (n,), generator=draw)
    found = classes_measured(logits, labels)
    confusion = [[0] * classes for _ in range(classes)]
    losses: list[list[float]] = [[] for _ in range(classes)]
    for row, label in zip(logits, labels.tolist(), strict=True):
        confusion[label][int(row.argmax())] += 1
        losses[label].append(float(cross_entropy(row[None].double(), torch.tensor([label]))))
    assert found.confusion == confusion
    for i in range(classes):
        figures = found.classes[str(i)]
        assert figures.n == len(losses[i])
        if losses[i]:
            assert figures.accuracy == pytest.approx(100 * confusion[i][i] / len(losses[i]))
            assert figures.loss == pytest.approx(sum(losses[i]) / len(losses[i]), rel=1e-5, abs=1e-6)
        else:
            assert (figures.accuracy, figures.loss) == (None, None)


@pytest.mark.parametrize("odd", [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (-math.inf, -math.inf)])
def test_broken_logits_break_accuracy_and_loss_of_their_class_alone_and_are_taken_for_none(
    odd: tuple[float, float],
) -> None:
    logits = torch.tensor([[1.0, 0.0], odd, [0.0, 1.0]])
    found = classes_measured(logits, torch.tensor([0, 1, 1]))
    broken, sound = found.classes["1"], found.classes["0"]
    assert (broken.n, sound.n, sound.accuracy) == (2, 1, 100.0)
    assert broken.accuracy is not None
    assert math.isnan(broken.accuracy)
    assert broken.loss is not None
    assert math.isnan(broken.loss)
    assert sound.loss == pytest.approx(0.3133, abs=1e-4)
    assert found.confusion == [[1, 0], [0, 1]]


def test_classes_that_are_masked_out_are_not_broken() -> None:
    found = classes_measured(torch.tensor([[1.0, -math.inf, 0.0]]), torch.tensor([0]))
    assert found.classes["0"].accuracy == 100.0
    assert found.confusion == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_memory_grows_with_the_classes_and_not_with_their_pairs() -> None:
    logits, labels = torch.randn(8, 60_000), torch.arange(8) * 7_000
    found = classes_measured(logits, labels)  # of pairs, there are 27 GiB
    assert found.confusion is None
    assert len(found.classes) == 60_000
    assert sum(figures.n for figures in found.classes.values()) == 8
    assert found.classes["7000"].accuracy in {0.0, 100.0}


def test_pairs_are_counted_only_if_asked_for_and_for_no_more_than_a_thousand_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    summed = per_class._summed

    def counted(where: Tensor, values: Tensor, n: int) -> Tensor:
        sizes.append(n)
        return summed(where, values, n)

    monkeypatch.setattr(per_class, "_summed", counted)
    for classes, asked in ((1_000, False), (1_001, True), (1_000, True)):
        config = PerClassConfig(enabled=True, track_confusion=asked)
        classes_measured(torch.randn(2, classes), torch.tensor([0, 1]), config)
    assert sizes == [1_001] * 3 + [1_002] * 3 + [1_000_001] + [1_001] * 3


LOGITS, LABELS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 2])


def test_what_was_not_asked_for_is_not_there() -> None:
    accuracy, loss, confusion = (
        classes_measured(LOGITS, LABELS, PerClassConfig.model_validate({"track_accuracy": False, asked: True}))
        for asked in ("track_accuracy", "track_loss", "track_confusion")
    )
    assert [c.accuracy is not None for c in accuracy.classes.values()] == [True] * 3
    assert {c.loss for c in accuracy.classes.values()} == {None}
    assert [c.loss is not None for c in loss.classes.values()] == [True] * 3
    assert {c.accuracy for c in loss.classes.values()} == {None}
    assert (accuracy.confusion, loss.confusion) == (None, None)
    assert {(c.n, c.accuracy, c.loss) for c in confusion.classes.values()} == {(2, None, None)}
    assert confusion.confusion is not None


def test_tokens_of_a_sequence_are_samples_and_ignored_ones_are_left_out() -> None:
    tokens = torch.tensor([[0, 1], [-100, 0], [1, 2]])
    keep = tokens.flatten() != -100
    found = classes_measured(LOGITS.view(3, 2, 3), tokens)
    assert found == classes_measured(LOGITS[keep], tokens.flatten()[keep])
    assert sum(c.n for c in found.classes.values()) == 5


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (LABELS + 1, (), r"2 labels are neither a class, 0 to 2, nor -100"),
        (LABELS - 1, (), r"2 labels are neither"),
        (LABELS[:5], (), r"logits \(6, 3\) and labels \(5,\) do not fit: Watch\(logits=...\)"),
        (LABELS, ("cat", "dog"), r"there are 2 names for 3 classes"),
    ],
)
def test_what_does_not_fit_is_refused(labels: Tensor, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classes_measured(LOGITS, labels, names=names)
