"""The watch over a trainer's network: three lines in any loop, and what they find is in the stream.

>>> import torch
>>> model, images, labels = nn.Linear(2, 3), torch.randn(8, 2), torch.randint(3, (8,))
>>> with Telemetry("doctest", config="diagnostic") as telemetry:
...     watch = Watch(telemetry, model)
...     for _ in range(2):
...         cross_entropy(model(images), labels).backward()
...         watch.step()  # after the last backward pass of a step, before clipping
...     watch.epoch(images, labels)  # after an epoch, with a batch that was not trained on
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from random import Random
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Scope
from nissa.events.kinds import CounterfactualMeasured, FidelityFollowed, PhaseTimed
from nissa.events.vocabulary import Fidelity
from nissa.pipeline.config import TelemetryConfig, dense, planned, set_by_hand
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.announcement import probes_configured
from nissa.pipeline.probes.counterfactual import Evaluate, SetAlphas, counterfactual_measured
from nissa.pipeline.probes.gradients import PendingGradients, StepGradients
from nissa.pipeline.probes.landscape import explore_landscape
from nissa.pipeline.probes.memory import memory_measured
from nissa.pipeline.probes.model import Draw, Parts, unwrapped
from nissa.pipeline.probes.one_network import OneNetwork
from nissa.pipeline.probes.phases import Phases
from nissa.pipeline.probes.rank_steps import RankSteps
from nissa.pipeline.probes.thinning import Thinning
from nissa.pipeline.probes.throughput import Throughput, follow_loaders, loading
from nissa.pipeline.probes.validation import Batch, Forward, validate
from nissa.pipeline.probes.weights import Before, copied, weights_measured
from nissa.pipeline.telemetry import Telemetry

__all__ = ["Follow", "Watch"]

T = TypeVar("T")
Follow = Callable[[Scope, str, int | None], tuple[Fidelity, int] | None]
"""How closely to look from here on, and in how many looks to take one, by scope, look and batch as `fidelity_followed`
tells them; None is as before."""


class Watch:
    """Looks at one model as `telemetry.config` says; at `telemetry.fidelity = "dense"`, as the profile `research` does.

    `model` is called with the inputs of a batch; one that takes several is called as `forward` says:
    `lambda model, inputs: model(*inputs)`. `logits` finds the logits in what it returns, if it is not them:
    `lambda output: output["logits"]`. `loss` takes logits and labels. `parts` gives the model's "host", and by their
    names the slots that have a seed now; without it, all is host. A second model needs a scope of its own:
    `emitter=telemetry.scope(group="critic")`; two that look in one are a fault, logged once. What probes draw, such as
    the directions of sharpness, they draw anew in each epoch, from `seed` and its number. Nothing of the training is
    changed, within what `epoch` says, and once a watch is made, it never raises: a probe that fails is counted, and the
    others go on. In a run that is trained again, `follow` says how closely to look where; otherwise
    `telemetry.fidelity` does. Raises ValueError if `gradients.layers` names a layer that the host does not have, and
    TypeError on what is no Telemetry and no module.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        model: nn.Module,
        *,
        parts: Callable[[], Parts] | None = None,
        emitter: Emitter | None = None,
        slots: Sequence[str] = (),
        classes: Sequence[object] = (),
        forward: Forward = lambda model, inputs: model(inputs),
        logits: Callable[[Any], Tensor] = lambda output: output,
        loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
        follow: Follow | None = None,
        seed: int = 0,
    ) -> None:
        _check(telemetry, model)
        self.emitter = emitter or telemetry.scope()
        """Where the events of this model are emitted."""
        self.phase = Phases()
        """`with watch.phase("train"):` times a phase of the epoch."""
        # DistributedDataParallel would take a forward of one process for one of all.
        network = unwrapped(model)
        self._telemetry, self._model, self._loss, self._seed = telemetry, network, loss, seed
        self._forward, self._logits = forward, logits
        self._parts = parts or (lambda: {"host": network})
        self._classes = [str(name) for name in classes]
        self._dense = dense(telemetry.config)
        self._normal = planned(telemetry.config)
        self._gradients = PendingGradients()
        self._alone = OneNetwork(self.emitter.faults, self._model)
        self._throughput = Throughput()
        follow_loaders()
        # Others wait for a rank, and it for them: which of the two is told of each step.
        self._ranks = RankSteps(network) if telemetry.job else None
        self._epochs = self._batch = 0
        self._due, self._follow = 0.0, follow
        self._thinning, self._one_in = Thinning(set_by_hand(telemetry.config)), 1
        self._measured: bool | None = None
        self._fidelity: Fidelity = "dense" if telemetry.config.always_dense else "normal"
        self._before: Before = {}
        self.emitter.emit(probes_configured(telemetry.config, self._normal, self._parts(), slots, self._classes))

    def step(self, gradients: StepGradients | None = None) -> None:
        """Call it after the last backward pass of a step (and a scaler's `unscale_`), and before clipping.

        A trainer that has made `gradients` of the same parts, to clip by their norms, hands them in: norms are taken
        from there.

        Measures the first step of an epoch and every n-th after it. What a GPU measured is emitted a step later, and at
        the latest by `epoch`: a run that ends without it loses its last measurement.
        """
        batch = self._batch
        self._batch = batch + 1
        self.emitter.stepped()
        if self._throughput.step():
            self._tell_throughput()
        if self._turns("step", batch, due=batch >= self._due):
            self._look(batch, gradients)
        if self._ranks:
            # Behind what was measured of the step before.
            self.emitter.measure("step_timed", self._ranks.timed, batch, self._throughput.last)

    def epoch(self, inputs: Any = None, labels: Tensor | None = None) -> None:
        """Call it after an epoch, with a batch that was not trained on, and before `EpochCompleted` is emitted.

        Without a batch, what needs one is not measured. `labels` are whole numbers, one for each row of logits; see
        `samples`. It runs the model's own forward: hooks fire, and what a forward keeps outside of parameters and
        buffers stays changed. Tensors in the inputs are copied before each. No graph through the weights may be waiting
        for a backward pass where sharpness is measured. Where weights are measured, a copy of them is held from the
        first step of an epoch until this is called.
        """
        self._throughput.pause()
        self._turns("epoch")
        plan, measured = self._plan(), self._measures_epoch()
        self.emitter.attempt("watch", self._alone.look, self.emitter.scope)
        self._epochs += 1
        self._gradients.arrive()
        self.emitter.attempt("watch", self._gradients.end_epoch)
        if measured and plan.track_weight_norms:
            self.emitter.measure(
                "weights_measured", lambda: weights_measured(self._parts(), self._before, plan.gradients.groups)
            )
        if labels is not None:
            self._forward_on(plan, Batch(inputs, labels, self._logits, self._forward), measured)
        self.emitter.measure("memory_measured", memory_measured)
        self._tell_throughput()
        if durations := self.phase.take():
            self.emitter.emit(PhaseTimed(durations=durations))
        self._batch, self._due, self._before, self._measured = 0, 0.0, {}, None

    def loading(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches of an epoch as they come; how many samples, and how long each took to come, is noted.

        A DataLoader is seen without it: this is for whatever else hands out batches.
        """
        return loading(batches)

    def counterfactual(
        self,
        alphas: Mapping[str, float],
        set_alphas: SetAlphas,
        evaluate: Evaluate,
        *,
        strategy: str | None = None,
        seconds: float | None = None,
    ) -> CounterfactualMeasured | None:
        """What the model does with some of its seeds switched off, as `counterfactual_measured` has it: to be emitted
        after `EpochCompleted`. Call it before `epoch`, or after it.

        `alphas` has the share of each seed that takes part, by slot. Each class is told apart where it is in `epoch`,
        too. None where no seed takes part, and where it fails.
        """

        def probe() -> CounterfactualMeasured | None:
            self._turns("counterfactual")
            classes = self._classes if self._plan().per_class.enabled else None
            how: dict[str, Any] = {"strategy": strategy, "seconds": seconds, "seed": self._draws(), "loss": self._loss}
            return counterfactual_measured(alphas, set_alphas, evaluate, model=self._model, classes=classes, **how)

        return self.emitter.attempt("counterfactual_measured", probe)

    def _tell_throughput(self) -> None:
        if (measured := self._throughput.take()) is not None:
            self.emitter.emit(measured)

    def _forward_on(self, plan: TelemetryConfig, batch: Batch, measured: bool) -> None:
        """What needs a batch that was not trained on."""
        if measured:
            validate(self.emitter, plan, self._model, batch, parts=self._parts, classes=self._classes)
        landscape = plan.loss_landscape
        due = landscape.enabled and self._epochs % landscape.every == 0
        if due and self._thinning.takes("loss_landscape", self._one_in):
            own, loss = self._draws(), lambda: batch.loss(self._model, self._loss)
            explore_landscape(self.emitter, landscape, self._model, loss, own)

    def _turns(self, look: str, batch: int | None = None, *, due: bool = True) -> bool:
        """Whether a look is due, or it is to be looked more closely than before, or less, which is told.

        In how many looks one is taken is asked where one is due: to ask at each step would cost something.
        """
        level, one_in = self._fidelity, self._one_in
        if not self._follow:
            level, one_in = self._telemetry.fidelity, self._telemetry.one_in if due else one_in
        elif told := self._follow(self.emitter.scope, look, batch):
            level, one_in = told
        if level == self._fidelity and one_in == self._one_in:
            return due
        self._fidelity, self._one_in = level, one_in
        self.emitter.emit(FidelityFollowed(level=level, look=look, batch=batch, one_in=one_in))
        return True

    def _measures_epoch(self) -> bool:
        """Whether this epoch's end is looked at; decided once, at its first step where there is one."""
        if self._measured is None:
            self._measured = self._thinning.takes("epoch", self._one_in)
        return self._measured

    def _draws(self) -> int:
        """What the probes of this epoch draw from: a seed related to that of no other seed and epoch."""
        return Random(f"{self._seed} {self._epochs}").getrandbits(63)

    def _plan(self) -> TelemetryConfig:
        return self._dense if self._fidelity == "dense" else self._normal

    def _look(self, batch: int, gradients: StepGradients | None) -> None:
        """A step at which something is due."""
        self.emitter.attempt("watch", self._alone.look, self.emitter.scope)
        self._gradients.arrive()
        plan = self._plan()
        if batch == 0 and self._measures_epoch() and plan.track_weight_norms:
            # The optimizer has not moved yet.
            draw = Draw.of(plan.gradients.sample, self._draws())
            self._before = self.emitter.attempt("weights_measured", lambda: copied(self._parts(), draw)) or {}
        config = plan.gradients
        due = config.enabled and batch % config.every == 0
        if due and self._thinning.takes("gradients", self._one_in):
            self._gradients.begin(self.emitter, self._parts, gradients, config, batch, seed=self._draws())
        following = batch + config.every - batch % config.every if config.enabled else inf
        self._due = batch + 1 if self._gradients.waiting else following


def _check(telemetry: object, model: object) -> None:
    if not hasattr(telemetry, "scope") or not isinstance(model, nn.Module):
        given = f"{type(telemetry).__name__} and {type(model).__name__}"
        raise TypeError(f"Watch takes a Telemetry and a torch module, not {given}")
