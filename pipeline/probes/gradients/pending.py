"""Gradients that were measured and have not arrived yet: kept here until they are emitted."""

from collections.abc import Callable

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.gradients.gradients import gradients_begun
from nissa.pipeline.probes.gradients.step_gradients import StepGradients
from nissa.pipeline.probes.model import Pending

__all__ = ["PendingGradients"]


class PendingGradients:
    """At most one measurement that is on its way from a GPU."""

    def __init__(self) -> None:
        self._late: tuple[Emitter, Pending[GradientsMeasured]] | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is one."""
        return self._late is not None

    def begin(self, emitter: Emitter, step: Callable[[], StepGradients], config: GradientConfig, batch: int) -> None:
        """Measure, and emit what need not be waited for. Never raises."""
        late = emitter.attempt("gradients_measured", lambda: gradients_begun(_found(step()), config, batch))
        if late:
            self._late = emitter.bind(), late
            if not late.waiting:
                self.arrive()

    def arrive(self) -> None:
        """Emit what was on its way, where and when it was measured. Never raises."""
        if self._late:
            (emitter, late), self._late = self._late, None
            emitter.measure("gradients_measured", late.take)


def _found(step: StepGradients) -> StepGradients:
    if not step.values:
        raise RuntimeError(
            "no parameter has a gradient: call watch.step() after backward() and before zero_grad(), "
            "and hand the parts that are trained to Watch"
        )
    return step
