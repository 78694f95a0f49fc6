"""How does a trainer have its network looked at? Three lines in any loop, and what they find is in the stream.

>>> import torch
>>> model, images, labels = nn.Linear(2, 3), torch.randn(8, 2), torch.randint(3, (8,))
>>> with Telemetry("doctest", config="diagnostic") as telemetry:
...     watch = Watch(telemetry, model)
...     for _ in range(2):
...         cross_entropy(model(images), labels).backward()
...         watch.step()  # after the last backward pass of a step, before clipping
...     watch.epoch(images, labels)  # after an epoch, with a batch that was not trained on
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import GradientsMeasured, PhaseTimed
from nissa.pipeline.config import GradientConfig, TelemetryConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.fidelity import dense, planned
from nissa.pipeline.probes.gradients import gradients_begun
from nissa.pipeline.probes.guard import attempt, measure
from nissa.pipeline.probes.layers import unwrapped
from nissa.pipeline.probes.memory import memory_measured
from nissa.pipeline.probes.phases import Phases
from nissa.pipeline.probes.plan import probes_configured
from nissa.pipeline.probes.sharpness import explored
from nissa.pipeline.probes.transfer import Late
from nissa.pipeline.probes.validation import Batch, validate
from nissa.pipeline.probes.weights import copied, weights_measured
from nissa.pipeline.telemetry import Telemetry

__all__ = ["Watch"]


class Watch:
    """Looks at one model as `telemetry.config` says; at `telemetry.fidelity = "dense"`, as the profile `research` does.

    `model` is called with the inputs of a batch. `parts` gives its "host", and by their names the slots that have a
    seed now; without it, all is host. `loss` takes logits and labels. Nothing of the training is changed, and once a
    watch is made, it never raises: a probe that fails is counted, and the others go on. Raises ValueError if
    `gradients.layers` names a layer that the host does not have.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        model: nn.Module,
        *,
        parts: Callable[[], Mapping[str, nn.Module]] | None = None,
        emitter: Emitter | None = None,
        slots: Sequence[str] = (),
        classes: Sequence[str] = (),
        loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    ) -> None:
        self.emitter = emitter or telemetry.scope()
        """Where the events of this model are emitted."""
        self.phase = Phases()
        """`with watch.phase("train"):` times a phase of the epoch."""
        # DistributedDataParallel would take a forward of one process for one of all.
        self._telemetry, self._model, self._loss = telemetry, unwrapped(model), loss
        self._parts = parts or (lambda: {"host": self._model})
        self._classes = list(classes)
        self._dense = dense(telemetry.config)
        self._normal = planned(telemetry.config)
        self._late: tuple[Emitter, Late[GradientsMeasured]] | None = None
        self._epochs = self._batch = 0
        self._due, self._fidelity = 0.0, telemetry.fidelity
        self._before: Mapping[nn.Parameter, Tensor] = {}
        self.emitter.emit(probes_configured(telemetry.config, self._normal, self._parts(), slots, self._classes))

    def step(self) -> None:
        """Call it after the last backward pass of a step (and a scaler's `unscale_`), and before clipping.

        Measures the first step of an epoch and every n-th after it. What a GPU measured is emitted a step later.
        """
        batch = self._batch
        self._batch = batch + 1
        if batch >= self._due or self._telemetry.fidelity != self._fidelity:
            self._look(batch)

    def epoch(self, inputs: Any, labels: Tensor) -> None:
        """Call it after an epoch, with a batch that was not trained on, and before `EpochCompleted` is emitted."""
        plan = self._plan()
        self._epochs += 1
        self._arrive()
        if plan.track_weight_norms:
            measure(self.emitter, "weights_measured", lambda: weights_measured(self._parts(), self._before))
        batch = Batch(inputs, labels)
        validate(self.emitter, plan, self._model, batch, parts=self._parts, classes=self._classes)
        landscape = plan.loss_landscape
        if landscape.enabled and self._epochs % landscape.every == 0:
            measure(
                self.emitter,
                "sharpness_measured",
                lambda: explored(self._model, lambda: self._loss(self._model(inputs), labels), landscape),
            )
        self.emitter.measure(memory_measured)
        if durations := self.phase.take():
            self.emitter.emit(PhaseTimed(durations=durations))
        self._batch, self._due, self._before = 0, 0.0, {}

    def _plan(self) -> TelemetryConfig:
        return self._dense if self._telemetry.fidelity == "dense" else self._normal

    def _look(self, batch: int) -> None:
        """A step at which something is due."""
        self._arrive()
        plan, self._fidelity = self._plan(), self._telemetry.fidelity
        if batch == 0 and plan.track_weight_norms:
            # The optimizer has not moved yet.
            self._before = attempt(self.emitter, "weights_measured", lambda: copied(self._parts())) or {}
        config = plan.gradients
        if config.enabled and batch % config.every == 0:
            self._measure_gradients(config, batch)
        due = batch + config.every - batch % config.every if config.enabled else inf
        self._due = batch + 1 if self._late else due

    def _measure_gradients(self, config: GradientConfig, batch: int) -> None:
        late = attempt(self.emitter, "gradients_measured", lambda: gradients_begun(self._parts(), config, batch))
        if late:
            self._late = self.emitter.bind(), late
            if not late.waiting:
                self._arrive()

    def _arrive(self) -> None:
        """Emit the gradients that were on their way, where and when they were measured."""
        if self._late:
            (emitter, late), self._late = self._late, None
            measure(emitter, "gradients_measured", late.take)
