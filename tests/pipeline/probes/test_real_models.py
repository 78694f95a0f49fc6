"""What networks outside of textbooks do: outputs that hold the logits, no gradient to have, inputs written to."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from nissa.events.kinds import ClassesMeasured, ProbesConfigured, SharpnessMeasured
from nissa.pipeline.config.profiles import load
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import LIMIT

INPUTS = torch.randn(12, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3
EVERY_EPOCH = load("research", overrides=["loss_landscape.every=1"])

Looked = Callable[..., tuple[list[Any], dict[str, int]]]


@pytest.fixture
def looked() -> Iterator[Looked]:
    """What a watch says of a model after one epoch, and its faults."""
    made: list[Telemetry] = []

    def look(model: nn.Module, inputs: Any = INPUTS, labels: Tensor = LABELS, **options: Any) -> Any:
        events: list[Any] = []
        made.append(Telemetry("test", config=EVERY_EPOCH, sinks={"kept": events.append}))
        Watch(made[-1], model, **options).epoch(inputs, labels)
        assert made[-1].flush(LIMIT)
        return [event.payload for event in events], dict(made[-1].state().faults)

    yield look
    for telemetry in made:
        telemetry.close()


def only(kind: type[Any], payloads: list[Any]) -> Any:
    (one,) = (payload for payload in payloads if isinstance(payload, kind))
    return one


class Told(nn.Linear):
    """Puts its logits into a dict."""

    def forward(self, x: Tensor) -> Any:
        return {"logits": super().forward(x)}


def test_logits_are_found_in_what_a_model_returns(looked: Looked) -> None:
    model, plain = Told(6, 3), nn.Linear(6, 3)
    plain.load_state_dict(model.state_dict())
    found, faults = looked(model, logits=lambda output: output["logits"])
    expected, _ = looked(plain)
    assert not faults
    for kind in (ClassesMeasured, SharpnessMeasured):
        assert only(kind, found) == only(kind, expected)


def test_without_being_told_where_they_are_it_is_a_fault(looked: Looked) -> None:
    _, faults = looked(Told(6, 3))
    assert faults == {f"probe {name}": 1 for name in ("classes_measured", "sharpness_gradient", "sharpness_measured")}


def test_a_regression_has_no_classes_but_a_loss(looked: Looked) -> None:
    found, faults = looked(nn.Linear(6, 1), labels=torch.zeros(12, 1), loss=nn.functional.mse_loss)
    assert faults == {"probe classes_measured": 1}
    assert only(SharpnessMeasured, found).sam > 0


class Checkpointed(nn.Linear):
    def forward(self, x: Tensor) -> Any:
        return checkpoint(super().forward, x, use_reentrant=True)


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("first", [nn.Linear(6, 6), nn.Identity()])
def test_where_the_loss_has_no_gradient_only_the_steepest_direction_is_missing(
    first: nn.Module, looked: Looked
) -> None:
    found, faults = looked(nn.Sequential(first, Checkpointed(6, 3)))
    assert faults == {"probe sharpness_gradient": 1}
    assert only(SharpnessMeasured, found).sam is None
    assert only(SharpnessMeasured, found).sharpness is not None


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_in_inference_mode_all_is_measured(mode: Callable[[], Any], looked: Looked) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    expected, _ = looked(model)
    with mode():
        found, faults = looked(model, INPUTS.clone(), LABELS.clone())
    assert not faults
    for kind in (ClassesMeasured, SharpnessMeasured):
        assert only(kind, found) == only(kind, expected)


class Writing(nn.Linear):
    """Halves what comes in, in place."""

    def forward(self, x: Any) -> Tensor:
        return super().forward(x["pixels"][0].mul_(0.5))


def test_inputs_that_a_forward_writes_to_stay_as_they_are_and_every_forward_sees_them_so(looked: Looked) -> None:
    model, inputs = Writing(6, 3), {"pixels": [INPUTS.clone()], "name": "a"}
    found, faults = looked(model, inputs)
    assert not faults
    assert torch.equal(inputs["pixels"][0], INPUTS)  # type: ignore[arg-type]
    with torch.no_grad():
        expected = cross_entropy(model({"pixels": [INPUTS.clone()]}), LABELS).item()
    assert only(SharpnessMeasured, found).loss == pytest.approx(expected)


def test_features_are_promised_only_of_layers_whose_output_can_be_recorded(looked: Looked) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.fc = nn.Parameter(torch.ones(6)), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.fc(x * self.scale)
            return out

    found, _ = looked(Scaled())
    said = only(ProbesConfigured, found)
    assert said.layers == ["host", "host.fc"]
    names = said.features["activations"]
    assert names
    assert all("fc" in name for name in names)
    assert len([name for name in said.features["weights"] if "fc" in name]) < len(said.features["weights"])


def test_numbers_name_classes(looked: Looked) -> None:
    found, faults = looked(nn.Linear(6, 3), classes=range(3))
    assert not faults
    assert only(ProbesConfigured, found).classes == ["0", "1", "2"]
