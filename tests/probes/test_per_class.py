"""How each class fares, against a loop over the samples."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

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
