"""How each class fares, against a loop over the samples."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.pipeline.config import PerClassConfig
from nissa.pipeline.probes.per_class import classes_measured


@given(st.integers(0, 40), st.integers(1, 6), st.integers(0, 2**31))
@settings(deadline=None)
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


def test_a_broken_logit_shows_in_the_loss_of_its_class_alone() -> None:
    logits = torch.tensor([[1.0, 0.0], [float("nan"), 0.0]])
    found = classes_measured(logits, torch.tensor([0, 1]))
    assert found.classes["1"].loss != found.classes["1"].loss
    assert found.classes["0"].loss == pytest.approx(0.3133, abs=1e-4)


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
    tokens = torch.tensor([[0, 1, -100], [0, 1, 2]])
    keep = tokens.flatten() != -100
    found = classes_measured(LOGITS.view(2, 3, 3), tokens)
    assert found == classes_measured(LOGITS[keep], tokens.flatten()[keep])
    assert sum(c.n for c in found.classes.values()) == 5


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (LABELS + 1, (), r"2 labels are neither a class, 0 to 2, nor -100"),
        (LABELS - 1, (), r"2 labels are neither"),
        (LABELS[:5], (), r"logits \(6, 3\) need labels \(6,\), not \(5,\)"),
        (LABELS, ("cat", "dog"), r"there are 2 names for 3 classes"),
    ],
)
def test_what_does_not_fit_is_refused(labels: Tensor, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classes_measured(LOGITS, labels, names=names)
