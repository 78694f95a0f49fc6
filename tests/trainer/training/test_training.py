"""Training is what a plain loop of torch would do, and what is told of it is what happened."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, GradientsMeasured, HostBaselineEpoch
from nissa.pipeline.probes import StepGradients, Watch
from nissa.pipeline.probes.gradients import step_gradients
from nissa.pipeline.probes.gradients.reductions import norms
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data.digits import batches, load_digits
from nissa.trainer.network.host import Host, new_host
from nissa.trainer.network.model import Model
from nissa.trainer.network.optimizer import LEARNING_RATE
from nissa.trainer.training.clipping import MAX_NORM, clip
from nissa.trainer.training.epoch import train_epoch
from nissa.trainer.training.twin import train_twin
from tests.waiting import LIMIT


def plainly(host: Host, order: torch.Generator, epochs: int) -> list[tuple[float, float, float]]:
    """The textbook loop; loss, accuracy and gradient norm of each batch."""
    adam = torch.optim.Adam(host.parameters(), lr=LEARNING_RATE, fused=True)
    seen = []
    for _ in range(epochs):
        for images, labels in batches(load_digits(), order):
            adam.zero_grad()
            logits = host(images)
            loss = cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(host.parameters(), MAX_NORM)
            adam.step()
            hits = (logits.argmax(1) == labels).float().mean()
            seen.append((loss.item(), 100 * hits.item(), norm.item()))
    return seen


def test_a_host_alone_trains_as_in_a_plain_loop(silent: Any) -> None:
    host, model = new_host(4), Model(4, silent)
    seen = plainly(host, torch.Generator().manual_seed(9), epochs=2)
    order = torch.Generator().manual_seed(9)
    for _ in range(2):
        train_epoch(model, batches(load_digits(), order), silent.emit)
    for a, b in zip(host.parameters(), model.host.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    told = [(batch.loss, batch.accuracy, batch.host_grad_norm) for batch in silent.told]
    assert torch.allclose(torch.tensor(told), torch.tensor(seen), rtol=1e-4)


def test_the_twin_learns_and_tells_of_each_epoch_where_it_stands() -> None:
    seen: list[Event[Any]] = []
    with Telemetry("twin", sinks={"seen": seen.append}, operators={}) as telemetry:
        emitter = telemetry.scope(group="never", env=3)
        model, twin = train_twin(0, 1, 6, emitter)
        assert emitter.scope == Scope("twin", "never", 3, None, None)
    batch_rows = plainly(new_host(0), torch.Generator().manual_seed(1), epochs=6)
    trained = torch.tensor(batch_rows).view(6, 17, 3)[:, :, :2]
    weights = torch.tensor([64.0] * 16 + [53.0]) / 1077
    told = [event for event in seen if isinstance(event.payload, HostBaselineEpoch)]
    assert [event.scope[1:] for event in told] == [("never", 3, None, epoch) for epoch in range(1, 7)]
    figures = torch.tensor([[event.payload.train_loss, event.payload.train_accuracy] for event in told])
    assert torch.allclose(figures, torch.einsum("ebf,b->ef", trained, weights), rtol=1e-2)
    assert [event.payload.val_loss for event in told] == twin.val_losses[1:]
    assert [event.payload.val_accuracy for event in told] == twin.val_accuracies[1:]
    assert twin.val_losses[-1] < twin.val_losses[0]
    data = load_digits()
    hits = (model(data.val_images).argmax(1) == data.val_labels).float().mean()
    assert 100 * hits.item() == pytest.approx(twin.val_accuracies[-1])


@pytest.mark.parametrize("stage", ["TRAINING", "BLENDING", "HOLDING", "FOSSILIZED"])
def test_a_seed_learns_in_every_stage_but_the_first(silent: Any, make_seed: Any, stage: str) -> None:
    model = Model(0, silent)
    slot = model.slots["late"]
    slot.seed = make_seed()
    slot.enter(stage, 50.0)
    slot.alpha = 1.0
    before = [p.detach().clone() for p in slot.parameters()]
    trained = train_epoch(model, batches(load_digits(), torch.Generator().manual_seed(0)), silent.emit)
    assert all(not torch.equal(a, b) for a, b in zip(before, slot.parameters(), strict=True))
    assert trained.seed_grad_norms["late"] > 0
    assert slot.epochs_in_stage == slot.seed.age == 1


def test_gradients_are_clipped_to_the_limit_and_only_above_it() -> None:
    large, small = nn.Linear(1, 1), nn.Linear(1, 1)
    for part, (weight, bias) in ((large, (30.0, -40.0)), (small, (0.3, 0.4))):
        part.weight.grad, part.bias.grad = torch.tensor([[weight]]), torch.tensor([bias])
    found = {name: norm.item() for name, norm in StepGradients({"host": large, "late": small}).norms.items()}
    assert found == {"host": 50.0, "late": pytest.approx(0.5)}
    clip(large, found["host"])
    clip(small, found["late"])
    grads = [p.grad.item() for part in (large, small) for p in part.parameters() if p.grad is not None]
    assert grads == pytest.approx([0.6 * MAX_NORM, -0.8 * MAX_NORM, 0.3, 0.4])


@pytest.mark.parametrize("profile", ["minimal", "research"])
def test_norms_are_reduced_once_in_a_step_for_clipping_and_for_whoever_looks(
    make_seed: Any, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    reduced: list[int] = []

    def counted(grads: list[torch.Tensor]) -> list[torch.Tensor]:
        reduced.append(len(grads))
        return norms(grads)

    seen: list[Event[Any]] = []
    with Telemetry("once", sinks={"seen": seen.append}, config=profile) as telemetry:
        model = Model(0, telemetry.scope())
        model.slots["late"].seed = make_seed()
        model.slots["late"].enter("TRAINING", 50.0)
        watch = Watch(telemetry, model, parts=model.parts)
        monkeypatch.setattr(step_gradients, "norms", counted)
        rows = list(batches(load_digits(), torch.Generator().manual_seed(0)))[:3]
        train_epoch(model, rows, watch.emitter.emit, watch.step)
        assert telemetry.flush(LIMIT)
    assert reduced == [len(list(model.parameters()))] * 3
    told = {e.payload.batch: e.payload for e in seen if isinstance(e.payload, BatchCompleted)}
    looks = [event.payload for event in seen if isinstance(event.payload, GradientsMeasured)]
    assert len(looks) == (3 if profile == "research" else 0)
    for look in looks:
        batch = told[look.batch]
        assert look.host_norm == pytest.approx(batch.host_grad_norm, rel=1e-6)
        assert look.slot_norms == pytest.approx(batch.seed_grad_norms, rel=1e-6)
