"""What do the gradients look like, layer by layer? Called after the last backward pass and before clipping.

>>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> measured = gradients_measured({"host": model})
>>> measured.host_norm, measured.layers["host.0"].mean, measured.layers["host.0"].vanishing
(5.0, 3.5, 0.0)

Everything leaves a device in one transfer. Gradients are read, never written, and no random number is drawn.
"""

from collections.abc import Collection, Iterable, Mapping
from math import hypot, inf, sqrt

import torch
from torch import Tensor

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.device_gradients import DeviceGradients
from nissa.pipeline.probes.gradients.grouped import Limits, Plan, looked
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.gradients.layer_totals import LayerTotals
from nissa.pipeline.probes.gradients.shares import share_of, world_size
from nissa.pipeline.probes.gradients.step_gradients import Reduced, StepGradients
from nissa.pipeline.probes.model import Draw, Parts, Pending

__all__ = ["gradients_begun", "gradients_measured"]

_ALL = GradientConfig(enabled=True)


def gradients_measured(parts: Parts, config: GradientConfig = _ALL, batch: int = 0) -> GradientsMeasured:
    """The gradients of a network: its "host", and each slot with a seed by its name, as `config` says.

    `config.layers` chooses rows; norms of host and slots are over all. With mixed precision, call it after the
    scaler's `unscale_`. What a sparse gradient does not hold is 0, and a complex one counts as twice as many real
    ones. Norms are accumulated in float32, as by `clip_grad_norm_`: they overflow from 1e19 on and are lost below
    1e-19. Of sharded parameters (`fully_shard`) figures are of what this process holds, and `norm_share` is what it
    adds to the norm of the whole. Raises TypeError for those of FullyShardedDataParallel.
    """
    return gradients_begun(KeptPlan().of(parts, config.layers), parts, config, batch).take()


@torch.no_grad()
def gradients_begun(
    plan: Plan,
    parts: Iterable[str],
    config: GradientConfig = _ALL,
    batch: int = 0,
    step: StepGradients | None = None,
    *,
    seed: int = 0,
) -> Pending[GradientsMeasured]:
    """The same by a plan, with the figures on their way: from a GPU while the host goes on.

    Of the gradients in `step`, if it is given, whose norms are known; otherwise of those that the parameters have.
    Samples are drawn from `seed`.
    """
    limits, parts, draw = Limits.of(config), list(parts), Draw.of(config.sample, seed)
    plain, odd = plan.plain(plan.found() if step is None else step.reduced.grads_of(plan.params))
    found = looked(plan, plain, limits, step.reduced.norms_of(plan.params, plain) if step else (), draw)
    beside = _beside(plan, odd, step) if odd else None
    others = DeviceGradients(beside, {*plan.layers[: plan.shown]}, parts, limits) if beside else None
    share = [share_of(beside)] if beside and plan.sharded else []

    def finish(figures: list[Tensor]) -> GradientsMeasured:
        known, norms = dict(zip(plan.layers[: plan.shown], found.by_layer(), strict=False)), _norms(plan, parts, found)
        if others:
            totals, other_norms = others.read(figures[: len(others.figures)])
            known |= zip(others.layers, totals.by_layer(), strict=True)
            both = [part for part in parts if part in norms or part in other_norms]
            norms = {part: hypot(norms.get(part, 0.0), other_norms.get(part, 0.0)) for part in both}
        alone = _norms(plan, ["host"], found).get("host", 0.0) if share else 0.0
        errors, host_norm = _errors(plan, norms, found), norms.pop("host", None)
        return GradientsMeasured(
            batch=batch,
            layers=layer_gradients(known, config),
            host_norm=host_norm,
            slot_norms=norms,
            seed_to_host={slot: norm / host_norm for slot, norm in norms.items()} if host_norm else {},
            norm_share=hypot(float(figures[-1]), alone / sqrt(world_size())) if share else None,
            norms_se=errors or None,
        )

    return Pending([*others.figures, *share] if others else [], finish)


def _beside(plan: Plan, odd: Collection[str], step: StepGradients | None) -> Reduced:
    """What the plan does not look at: the layers `odd`."""
    return step.reduced.among(odd) if step else Reduced.of({layer: plan.given[layer] for layer in odd})


def _norms(plan: Plan, parts: Iterable[str], found: LayerTotals) -> dict[str, float]:
    """Of each part with a plain gradient."""
    own = {part: [found.totals[i] for i in plan.within(part)] for part in parts}
    return {
        part: sqrt(sum(layer.squares for layer in layers))
        for part, layers in own.items()
        if any(layer.elements for layer in layers)
    }


def _errors(plan: Plan, norms: Mapping[str, float], found: LayerTotals) -> dict[str, float]:
    """Standard errors of the norms, of parts of which anything was drawn and nothing is broken."""
    variances = {part: sum(found.totals[i].squares_error for i in plan.within(part)) for part in norms}
    drawn = {part: any(found.totals[i].unseen for i in plan.within(part)) for part in norms}
    return {part: sqrt(variances[part]) / (2 * norm) for part, norm in norms.items() if drawn[part] and 0 < norm < inf}
