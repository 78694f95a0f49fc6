"""What do the gradients look like, layer by layer? Called after the last backward pass and before clipping.

>>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> measured = gradients_measured({"host": model})
>>> measured.host_norm, measured.layers["host.0"].mean, measured.layers["host.0"].vanishing
(5.0, 3.5, 0.0)

Everything leaves a device in one transfer. Gradients are read, never written, and no random number is drawn.
"""

from collections.abc import Collection, Iterable, Mapping
from math import hypot, sqrt

import torch
from torch import Tensor

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.device_statistics import DeviceStatistics
from nissa.pipeline.probes.gradients.grouped import Limits, Plan, looked
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.gradients.layer_totals import Totals
from nissa.pipeline.probes.gradients.step_gradients import Reduced, StepGradients
from nissa.pipeline.probes.model import Parts, Pending

__all__ = ["gradients_begun", "gradients_measured"]

_ALL = GradientConfig(enabled=True)


def gradients_measured(parts: Parts, config: GradientConfig = _ALL, batch: int = 0) -> GradientsMeasured:
    """The gradients of a network: its "host", and each slot with a seed by its name, as `config` says.

    `config.layers` chooses rows; norms of host and slots are over all. With mixed precision, call it after the
    scaler's `unscale_`. What a sparse gradient does not hold is 0, and a complex one counts as twice as many real
    ones. Norms are accumulated in float32, as by `clip_grad_norm_`: they overflow from 1e19 on and are lost below
    1e-19. Raises TypeError for sharded parameters (DTensor, FSDP).
    """
    return gradients_begun(KeptPlan().of(parts, config.layers), parts, config, batch).take()


@torch.no_grad()
def gradients_begun(
    plan: Plan, parts: Iterable[str], config: GradientConfig = _ALL, batch: int = 0, step: StepGradients | None = None
) -> Pending[GradientsMeasured]:
    """The same by a plan, with the figures on their way: from a GPU while the host goes on.

    Of the gradients in `step`, if it is given, whose norms are known; otherwise of those that the parameters have.
    """
    limits, parts = Limits.of(config), list(parts)
    grads = plan.grads() if step is None else step.reduced.grads_of(plan.params)
    plain, odd = plan.plain(grads)
    found = looked(plan, plain, limits, None if step is None else step.reduced.norms_of(plan.params, plain))
    rest = _rest(plan, odd, step)
    shown = {*odd}.intersection(plan.layers[: plan.shown])
    gathering, sizes = DeviceStatistics(rest.among(shown), limits), rest.norms(parts)

    def finish(figures: list[Tensor]) -> GradientsMeasured:
        rows = layer_gradients(plan.layers[: plan.shown], found, config)
        if odd:
            rows |= layer_gradients(gathering.layers, gathering.read(figures[len(sizes) :]), config)
            rows = {layer: rows[layer] for layer in plan.layers if layer in rows}
        norms = _norms(plan, parts, found.totals, dict(zip(sizes, map(float, figures), strict=False)))
        host_norm = norms.pop("host", None)
        return GradientsMeasured(
            batch=batch,
            layers=rows,
            host_norm=host_norm,
            slot_norms=norms,
            seed_to_host={slot: norm / host_norm for slot, norm in norms.items()} if host_norm else {},
        )

    return Pending([*sizes.values(), *gathering.figures], finish)


def _rest(plan: Plan, odd: Collection[str], step: StepGradients | None) -> Reduced:
    """What the plan does not look at: the layers `odd`, each gradient by itself."""
    if step:
        return step.reduced.among(odd)
    return Reduced.of({layer: plan.given[layer] for layer in odd})


def _norms(plan: Plan, parts: Iterable[str], found: Totals, rest: Mapping[str, float]) -> dict[str, float]:
    """Of each part with a gradient."""
    norms = {}
    for part in parts:
        own = plan.within(part)
        if part in rest or found.elements[own].any():
            norms[part] = hypot(sqrt(found.squares[own].sum()), rest.get(part, 0.0))
    return norms
