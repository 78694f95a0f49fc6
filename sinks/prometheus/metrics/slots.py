"""What happens in each slot? Stages, gates, gradients and contributions."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    RunStarted,
    SlotSnapshot,
    StageChanged,
)
from nissa.events.vocabulary import GATES, STAGES
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics, names, ratio

__all__ = ["COUNTS", "GAUGES", "KNOWN", "METRICS"]

_SLOT_GAUGES: Rows = {
    "nissa_slot_alpha_ratio": ("ratio", "Share of the seed in the slot's output."),
    "nissa_slot_parameters": ("parameters", "Trainable parameters of the slot's seed; 0 for an empty slot."),
    "nissa_slot_stage_epochs": ("epochs", "Epochs that the slot has spent in its stage."),
    "nissa_slot_contribution_ratio": ("ratio", "Validation accuracy minus that with this seed alone switched off."),
    "nissa_slot_improvement_ratio": ("ratio", "Validation accuracy minus that at the seed's germination."),
    "nissa_slot_epoch_improvement_ratio": ("ratio", "Validation accuracy minus that of the epoch before."),
    "nissa_slot_grad_norm": ("L2 norm", "Norm of the seed's gradient, mean over the batches of the epoch."),
    "nissa_batch_slot_grad_norm": ("L2 norm", "Norm of the seed's gradient in the last batch, before clipping."),
}
_STAGE: Rows = {"nissa_slot_stage": ("1", "1 for the stage that the slot is in, 0 for the others.")}
_GATE: Rows = {
    "nissa_gate_evaluations_total": ("evaluations", "Times that a gate was asked."),
    "nissa_gate_passes_total": ("evaluations", "Times that a gate let a seed pass."),
}
_CHECK: Rows = {"nissa_gate_check_failures_total": ("checks", "Checks of a gate that failed; the reason names them.")}

METRICS = (
    *metrics("gauge", (*ENV, "slot"), _SLOT_GAUGES),
    *metrics("gauge", (*ENV, "slot", "stage"), _STAGE),
    *metrics("counter", (*ENV, "stage"), {"nissa_stage_changes_total": ("changes", "Stages entered.")}),
    *metrics("counter", (*ENV, "gate"), _GATE),
    *metrics("counter", (*ENV, "gate", "reason"), _CHECK),
)


def _epoch(at: Labels, event: Event[EpochCompleted]) -> Iterator[Sample]:
    for slot, norm in event.payload.seed_grad_norms.items():
        yield "nissa_slot_grad_norm", (*at, slot), norm
    for row in event.payload.slots:
        yield from _slot((*at, row.slot), row)


def _slot(at: Labels, row: SlotSnapshot) -> Iterator[Sample]:
    yield "nissa_slot_alpha_ratio", at, row.alpha
    yield "nissa_slot_parameters", at, row.seed_params
    yield "nissa_slot_stage_epochs", at, row.epochs_in_stage
    yield "nissa_slot_contribution_ratio", at, ratio(row.counterfactual_contribution)
    yield "nissa_slot_improvement_ratio", at, ratio(row.total_improvement)
    yield "nissa_slot_epoch_improvement_ratio", at, ratio(row.improvement_this_epoch)
    for stage in STAGES:
        yield "nissa_slot_stage", (*at, stage), 0
    yield "nissa_slot_stage", (*at, row.stage), 1


def _batch(at: Labels, event: Event[BatchCompleted]) -> Iterator[Sample]:
    for slot, norm in event.payload.seed_grad_norms.items():
        yield "nissa_batch_slot_grad_norm", (*at, slot), norm


def _named(_: Labels, event: Event[RunStarted]) -> Iterator[Sample]:
    asked = event.payload.hyperparameters.get("gate_checks")
    for gate, checks in asked.items() if isinstance(asked, dict) else ():
        for check in names(checks):
            yield "nissa_gate_check_failures_total", (str(gate), check), 0


def _open_episode(at: Labels, _: Event[EpisodeStarted]) -> Iterator[Sample]:
    for stage in STAGES:
        yield "nissa_stage_changes_total", (*at, stage), 0
    for gate in GATES:
        yield "nissa_gate_evaluations_total", (*at, gate), 0
        yield "nissa_gate_passes_total", (*at, gate), 0


def _count_stage(at: Labels, event: Event[StageChanged]) -> Iterator[Sample]:
    yield "nissa_stage_changes_total", (*at, event.payload.to_stage), 1


def _count_gate(at: Labels, event: Event[GateEvaluated]) -> Iterator[Sample]:
    row = event.payload
    gate = (*at, row.gate)
    yield "nissa_gate_evaluations_total", gate, 1
    yield "nissa_gate_passes_total", gate, row.passed
    for check in row.checks:
        yield "nissa_gate_check_failures_total", (*gate, check.name), not check.passed


GAUGES: Readings = {EpochCompleted: _epoch, BatchCompleted: _batch}
COUNTS: Readings = {EpisodeStarted: _open_episode, StageChanged: _count_stage, GateEvaluated: _count_gate}
KNOWN: Readings = {RunStarted: _named}
