"""A watch says what it will measure, measures when it is due, and lets no fault out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    EventsDropped,
    GradientsMeasured,
    Heartbeat,
    MemoryMeasured,
    PhaseTimed,
    ProbesConfigured,
    RunEnded,
    SharpnessMeasured,
    ThroughputMeasured,
    WeightsMeasured,
)
from nissa.pipeline.config import feature_names_of
from nissa.pipeline.config.profiles import load
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.probes import watch
from nissa.pipeline.probes.gradients import pending as late_gradients
from nissa.pipeline.probes.landscape import sharpness
from nissa.pipeline.probes.model import transfer
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import LIMIT

IMAGES = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 3
OWN = (Heartbeat, EventsDropped, RunEnded)


class Bench:
    """A small training under telemetry that keeps every event."""

    def __init__(self, config: TelemetryConfig | str, **options: Any) -> None:
        self.events: list[Event[Any]] = []
        self.telemetry = Telemetry("test", config=config, sinks={"kept": self.events.append})
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.watch = Watch(self.telemetry, self.model, **options)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            cross_entropy(self.model(IMAGES), LABELS).backward()  # type: ignore[no-untyped-call]
            self.watch.step()
            self.optimizer.step()

    def epochs(self, n: int, steps: int) -> None:
        for epoch in range(1, n + 1):
            self.watch.emitter.move(epoch=epoch)
            self.train(steps)
            self.watch.epoch(IMAGES, LABELS)

    def seen(self, *kinds: type[Any]) -> list[Event[Any]]:
        """What was emitted so far, without what is derived and what the pipeline says of itself."""
        assert self.telemetry.flush(LIMIT)
        emitted = [e for e in self.events if e.ordinal == 0 and not isinstance(e.payload, OWN)]
        return [e for e in emitted if not kinds or isinstance(e.payload, kinds)]

    def faults(self) -> Mapping[str, int]:
        return self.telemetry.state().faults


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(config: TelemetryConfig | str = "standard", **options: Any) -> Bench:
        made.append(Bench(config, **options))
        return made[-1]

    yield make
    for one in made:
        one.telemetry.close()


def config(**parts: Any) -> TelemetryConfig:
    return TelemetryConfig.model_validate(parts)


def test_it_first_says_what_it_will_measure(bench: Callable[..., Bench]) -> None:
    own = load("diagnostic", overrides=["gradients.layers=['2']", "gradients.vanishing_threshold=1e-5"])
    (event,) = bench(own, slots=["early"], classes=["a", "b", "c"]).seen()
    said = event.payload
    assert isinstance(said, ProbesConfigured)
    assert (said.profile, said.layers, said.slots, said.classes) == (
        "diagnostic",
        ["host.2"],
        ["early"],
        ["a", "b", "c"],
    )
    assert (said.vanishing_threshold, said.exploding_threshold, said.history_length) == (1e-5, 1e3, 20)
    assert TelemetryConfig.model_validate(said.config) == own
    assert next(iter(said.features)) == "base"
    assert said.features == feature_names_of(own, ["host.2"], ["early"], ["a", "b", "c"])


def test_the_first_step_of_an_epoch_and_every_nth_after_it_is_measured(bench: Callable[..., Bench]) -> None:
    one = bench(config(gradients={"enabled": True, "every": 3}))
    one.epochs(2, steps=8)
    assert [(e.scope.epoch, e.payload.batch) for e in one.seen(GradientsMeasured)] == [
        *((1, 0), (1, 3), (1, 6)),
        *((2, 0), (2, 3), (2, 6)),
    ]


def test_what_is_measured_is_what_the_profile_says(bench: Callable[..., Bench]) -> None:
    kinds: dict[str, set[type[Any]]] = {
        "minimal": {MemoryMeasured},
        "standard": {GradientsMeasured, MemoryMeasured},
        "diagnostic": {GradientsMeasured, ClassesMeasured, SharpnessMeasured, MemoryMeasured},
        "research": {
            *(GradientsMeasured, WeightsMeasured, ActivationsMeasured),
            *(ClassesMeasured, SharpnessMeasured, MemoryMeasured),
        },
    }
    for profile, expected in kinds.items():
        one = bench(profile)
        one.epochs(5, steps=2)
        assert {type(e.payload) for e in one.seen()} == {ProbesConfigured, ThroughputMeasured, *expected}
        assert not one.faults()


def test_sharpness_is_measured_every_nth_epoch(bench: Callable[..., Bench]) -> None:
    one = bench(config(loss_landscape={"enabled": True, "every": 2, "perturbation_samples": 1}))
    one.epochs(5, steps=1)
    assert [e.scope.epoch for e in one.seen(SharpnessMeasured)] == [2, 4]
    row = one.seen(SharpnessMeasured)[0].payload
    assert row.samples == 2
    assert row.sam is not None


def test_weights_are_compared_with_those_before_the_first_step_of_the_epoch(bench: Callable[..., Bench]) -> None:
    one = bench(config(track_weight_norms=True))
    one.train(2)
    one.watch.epoch(IMAGES, LABELS)
    before = one.model[0].weight.detach().double().clone()  # type: ignore[operator]
    bias = one.model[0].bias.detach().double().clone()  # type: ignore[operator]
    one.train(3)
    one.watch.epoch(IMAGES, LABELS)
    one.watch.epoch(IMAGES, LABELS)
    *_, last, without = [e.payload.layers["host.0"] for e in one.seen(WeightsMeasured)]
    after = one.model[0]
    moved = torch.cat([(after.weight - before).flatten(), after.bias - bias]).norm()  # type: ignore[operator]
    expected = moved / torch.cat([before.flatten(), bias]).norm()
    assert last.update_ratio == pytest.approx(expected.item(), rel=1e-4)
    assert without.update_ratio is None


def test_dense_measures_what_research_does_with_its_own_layers_and_thresholds(bench: Callable[..., Bench]) -> None:
    one = bench(config(gradients={"enabled": True, "every": 4, "layers": ["2"], "percentiles": [10]}))
    one.train(2)
    one.telemetry.fidelity = "dense"
    one.train(2)
    one.watch.epoch(IMAGES, LABELS)
    one.telemetry.fidelity = "normal"
    one.train(2)
    rows = [e.payload for e in one.seen(GradientsMeasured)]
    assert [row.batch for row in rows] == [0, 2, 3, 0]
    assert all(list(row.layers) == ["host.2"] for row in rows)
    shown = [row.layers["host.2"] for row in rows]
    assert [row.histogram is not None for row in shown] == [False, True, True, False]
    assert [len(row.percentiles) for row in shown] == [1, 8, 8, 1]
    assert len(one.seen(WeightsMeasured, ActivationsMeasured, ClassesMeasured)) == 3
    # The copy would be from the middle of the epoch.
    assert one.seen(WeightsMeasured)[0].payload.layers["host.0"].update_ratio is None


def test_in_research_mode_it_is_dense_from_the_start(bench: Callable[..., Bench]) -> None:
    one = bench(config(mode="research"))
    one.epochs(1, steps=2)
    assert len(one.seen(GradientsMeasured)) == 2
    assert one.seen(WeightsMeasured)[0].payload.layers["host.0"].update_ratio > 0
    assert "weights" in " ".join(one.seen(ProbesConfigured)[0].payload.features)


def test_a_layer_that_the_host_does_not_have_is_refused(bench: Callable[..., Bench]) -> None:
    telemetry = Telemetry("test", config=config(gradients={"enabled": True, "layers": ["convv1"]}))
    with pytest.raises(ValueError, match="'convv1': did you mean 'conv1'"):
        Watch(telemetry, nn.ModuleDict({"conv1": nn.Linear(1, 1), "fc": nn.Linear(1, 1)}))
    with pytest.raises(ValueError, match=r"no layer 'conv\*': choose from host\.0, host\.2"):
        bench(config(gradients={"layers": ["conv*"]}))
    assert bench(config(gradients={"layers": ["early.fc", "0"]}), slots=["early"]).seen()[0].payload.layers == [
        "host.0"
    ]
    telemetry.close()


class Slow(transfer.Transfer):
    """A transfer that is still on its way when it is asked for."""

    waiting = True


def test_late_figures_come_a_step_later_and_say_where_they_are_from(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "Transfer", Slow)
    one = bench(config(gradients={"enabled": True, "every": 2}))
    one.watch.emitter.move(epoch=1)
    counts = []
    for _ in range(4):
        one.train(1)
        counts.append(len(one.seen(GradientsMeasured)))
    assert counts == [0, 1, 1, 2]
    one.train(1)
    one.watch.emitter.move(epoch=2)
    one.train(1)
    one.watch.epoch(IMAGES, LABELS)
    assert [(e.scope.epoch, e.payload.batch) for e in one.seen(GradientsMeasured)] == [(1, 0), (1, 2), (1, 4)]


def test_late_figures_are_of_their_own_step_and_none_is_lost_at_the_end_of_an_epoch(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = bench("research")
    at_once.epochs(2, steps=3)
    monkeypatch.setattr(transfer, "Transfer", Slow)
    late = bench("research")
    late.epochs(2, steps=3)
    assert [(e.scope.epoch, e.payload) for e in late.seen(GradientsMeasured)] == [
        (e.scope.epoch, e.payload) for e in at_once.seen(GradientsMeasured)
    ]
    kinds = [type(e.payload) for e in late.seen() if e.scope.epoch == 1]
    assert kinds.index(WeightsMeasured) > max(i for i, kind in enumerate(kinds) if kind is GradientsMeasured)


def test_seeds_come_and_go(bench: Callable[..., Bench]) -> None:
    seeds: dict[str, nn.Module] = {}
    one = bench("research", parts=lambda: {"host": HOST, **seeds}, slots=["early"])
    HOST.weight.grad = HOST.bias.grad = None
    for layer in (HOST, SEED):
        layer(IMAGES).sum().backward()
    one.watch.step()
    seeds["early"] = SEED
    one.watch.step()
    one.watch.epoch(IMAGES, LABELS)
    del seeds["early"]
    one.watch.step()
    assert [list(e.payload.slot_norms) for e in one.seen(GradientsMeasured)] == [[], ["early"], []]
    (weights,) = one.seen(WeightsMeasured)
    assert weights.payload.layers["host"].update_ratio == 0.0
    assert weights.payload.layers["early"].update_ratio is None


HOST, SEED = nn.Linear(6, 3), nn.Linear(6, 2)


def test_a_probe_that_fails_is_counted_and_the_others_go_on(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("out of memory")

    for module, name in (
        (late_gradients, "gradients_begun"),
        (watch, "weights_measured"),
        (sharpness, "sharpness_measured"),
    ):
        monkeypatch.setattr(module, name, broken)
    one = bench("research")
    one.epochs(2, steps=1)
    assert len(one.seen(ClassesMeasured, ActivationsMeasured, MemoryMeasured)) == 6
    assert one.faults() == {"probe gradients_measured": 2, "probe weights_measured": 2, "probe sharpness_measured": 1}


def test_a_forward_that_fails_only_with_hooks_still_gives_the_classes(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench("research")

    class Shy(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if self._forward_hooks:
                raise RuntimeError("not with a hook")
            return super().forward(x)

    one.model[2] = Shy(8, 3)
    one.epochs(1, steps=1)
    assert (len(one.seen(ClassesMeasured)), len(one.seen(ActivationsMeasured))) == (1, 0)
    assert one.faults() == {"probe activations_measured": 1}


@pytest.mark.parametrize("labels", [LABELS + 5, LABELS[:7], "none"])
def test_labels_that_do_not_fit_are_a_fault_and_no_more(labels: Any, bench: Callable[..., Bench]) -> None:
    one = bench("diagnostic")
    for _ in range(5):
        one.train(1)
        one.watch.epoch(IMAGES, labels)
    assert one.faults() == {
        "probe classes_measured": 5,
        "probe sharpness_gradient": 1,
        "probe sharpness_measured": 1,
    }


def test_parts_that_cannot_be_told_are_a_fault_and_no_more(bench: Callable[..., Bench]) -> None:
    told = [True]

    def parts() -> Mapping[str, nn.Module]:
        if not told:
            raise KeyError("gone")
        return {"host": HOST}

    one = bench("research", parts=parts)
    told.clear()
    one.epochs(1, steps=2)
    assert one.faults() == {
        "probe gradients_measured": 2,
        "probe weights_measured": 2,
        "probe activations_measured": 1,
    }
    assert len(one.seen(ClassesMeasured)) == 1


def test_phases_are_told_at_the_end_of_their_epoch(bench: Callable[..., Bench]) -> None:
    one = bench("minimal")
    with one.watch.phase("train"):
        pass
    one.watch.epoch(IMAGES, LABELS)
    one.watch.epoch(IMAGES, LABELS)
    (event,) = one.seen(PhaseTimed)
    assert list(event.payload.durations) == ["train"]


def test_classes_go_by_their_names_and_carry_what_was_asked_for(bench: Callable[..., Bench]) -> None:
    only = config(per_class={"enabled": True, "track_accuracy": False, "track_confusion": True})
    one = bench(only, classes=["a", "b", "c"])
    one.epochs(1, steps=1)
    (row,) = (e.payload for e in one.seen(ClassesMeasured))
    assert list(row.classes) == ["a", "b", "c"]
    assert [(c.n, c.accuracy, c.loss) for c in row.classes.values()] == [(8, None, None)] * 3
    assert sum(map(sum, row.confusion)) == 24


def test_a_compiled_model_is_tried_uncompiled_and_is_not_compiled_again(bench: Callable[..., Bench]) -> None:
    one = bench("research")
    calls: list[bool] = []
    inner = one.model

    class Compiled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self._orig_mod = inner

        def forward(self, x: Tensor) -> Tensor:
            calls.append(True)
            out: Tensor = self._orig_mod(x)
            return out

    Watch(one.telemetry, Compiled()).epoch(IMAGES, LABELS)
    assert not calls
    assert len(one.seen(ActivationsMeasured)) == 1
    assert list(one.seen(ActivationsMeasured)[0].payload.layers) == ["host.0", "host.1", "host.2"]
