"""Gradients that were measured and have not arrived yet: kept here until they are emitted."""

from collections.abc import Callable
from random import Random

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.gradients.gradients import gradients_begun
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.step_gradients import StepGradients
from nissa.pipeline.probes.model import Parts, Pending

__all__ = ["PendingGradients"]


class PendingGradients:
    """At most one measurement that is on its way from a GPU."""

    def __init__(self) -> None:
        self._late: tuple[Emitter, Pending[GradientsMeasured]] | None = None
        self._plan = KeptPlan()
        self._looks = self._found = 0

    @property
    def waiting(self) -> bool:
        """Whether there is one."""
        return self._late is not None

    def begin(
        self,
        emitter: Emitter,
        parts: Callable[[], Parts],
        step: StepGradients | None,
        config: GradientConfig,
        batch: int,
        *,
        seed: int = 0,
    ) -> None:
        """Measure `step`, or else what the parts have, and emit what need not be waited for. Never raises.

        Samples are drawn from `seed` and the batch.
        """
        draws = Random(f"{seed} {batch}").getrandbits(63) if config.sample else 0
        late = emitter.attempt("gradients_measured", lambda: self._begun(parts, step, config, batch, draws))
        if late:
            self._late = emitter.bind(), late
            if not late.waiting:
                self.arrive()

    def arrive(self) -> None:
        """Emit what was on its way, where and when it was measured. Never raises."""
        if self._late:
            (emitter, late), self._late = self._late, None
            emitter.measure("gradients_measured", lambda: self._taken(late))

    def end_epoch(self) -> None:
        """Forget the looks of an epoch. Raises RuntimeError if there were some, and none of them found a gradient."""
        looks, found, self._looks, self._found = self._looks, self._found, 0, 0
        if looks and not found:
            raise RuntimeError(
                "no parameter had a gradient in this epoch: call watch.step() after backward() and before zero_grad(), "
                "and hand the parts that are trained to Watch"
            )

    def _begun(
        self, parts: Callable[[], Parts], step: StepGradients | None, config: GradientConfig, batch: int, seed: int
    ) -> Pending[GradientsMeasured]:
        try:
            if step:
                plan = self._plan.of_layers(step.layers, config.layers)
                return gradients_begun(plan, step.parts, config, batch, step, seed=seed)
            own = parts()
            plan = self._plan.of(own, config.layers, anew=batch == 0)
            return gradients_begun(plan, own, config, batch, seed=seed)
        except BaseException:
            self._plan.drop()
            raise

    def _taken(self, late: Pending[GradientsMeasured]) -> GradientsMeasured:
        measured = late.take()
        self._looks += 1
        self._found += measured.host_norm is not None or bool(measured.slot_norms)
        return measured
