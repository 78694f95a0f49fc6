"""What happens in each slot? Stages, gates, gradients and contributions."""

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    RunStarted,
    StageChanged,
)
from nissa.events.vocabulary import EMPTY_STAGES, GATES, STAGES
from nissa.sinks.prometheus.lifetimes import added, of_episode
from nissa.sinks.prometheus.metric import ENV, Labels, Read, counter, gauge, percent
from nissa.sinks.prometheus.rows import Row, by, each, listed, strings

__all__ = ["TABLES"]


def _of_seed(field: str) -> Read:
    """What a seed is worth, in a slot that has one."""
    read = percent(field)
    return lambda row: None if row.stage in EMPTY_STAGES else read(row)


def _slots(at: Labels, event: Event[EpochCompleted]) -> list[Row]:
    return [((*at, row.slot), row) for row in event.payload.slots]


def _stages(at: Labels, event: Event[EpochCompleted]) -> list[Row]:
    return [
        ((*at, row.slot, stage), stage == row.stage) for row in event.payload.slots for stage in (*STAGES, row.stage)
    ]


def _checks(at: Labels, event: Event[GateEvaluated]) -> list[Row]:
    return [((*at, event.payload.gate, check.name), check) for check in event.payload.checks]


def _named_checks(at: Labels, event: Event[RunStarted]) -> list[Row]:
    asked = event.payload.hyperparameters.get("gate_checks")
    gates = asked.items() if isinstance(asked, dict) else ()
    return [((*at, str(gate), check), None) for gate, checks in gates for check in strings(checks)]


TABLES = (
    of_episode(EpochCompleted, (*ENV, "slot"), rows=_slots)(
        nissa_slot_alpha_ratio=gauge("ratio", "Share of the seed in the slot's output.", "alpha"),
        nissa_slot_parameters=gauge(
            "parameters", "Trainable parameters of the slot's seed; 0 for an empty slot.", "seed_params"
        ),
        nissa_slot_stage_epochs=gauge("epochs", "Epochs that the slot has spent in its stage.", "epochs_in_stage"),
        nissa_slot_contribution_ratio=gauge(
            "ratio",
            "Validation accuracy minus that with this seed alone switched off.",
            _of_seed("counterfactual_contribution"),
        ),
        nissa_slot_improvement_ratio=gauge(
            "ratio", "Validation accuracy minus that at the seed's germination.", _of_seed("total_improvement")
        ),
        nissa_slot_epoch_improvement_ratio=gauge(
            "ratio", "Validation accuracy minus that of the epoch before.", percent("improvement_this_epoch")
        ),
    ),
    of_episode(EpochCompleted, (*ENV, "slot"), rows=each("seed_grad_norms"))(
        nissa_slot_grad_norm=gauge(
            "L2 norm", "Norm of the seed's gradient, mean over the batches of the epoch.", float
        ),
    ),
    of_episode(BatchCompleted, (*ENV, "slot"), rows=each("seed_grad_norms"))(
        nissa_batch_slot_grad_norm=gauge(
            "L2 norm", "Norm of the seed's gradient in the last batch, before clipping.", float
        ),
    ),
    of_episode(EpochCompleted, (*ENV, "slot", "stage"), rows=_stages)(
        nissa_slot_stage=gauge("1", "1 for the stage that the slot is in, 0 for the others.", float),
    ),
    added(StageChanged, (*ENV, "stage"), rows=by("to_stage"), zeros={EpisodeStarted: listed(STAGES)})(
        nissa_stage_changes_total=counter("changes", "Stages entered."),
    ),
    added(GateEvaluated, (*ENV, "gate"), rows=by("gate"), zeros={EpisodeStarted: listed(GATES)})(
        nissa_gate_evaluations_total=counter("evaluations", "Times that a gate was asked."),
        nissa_gate_passes_total=counter("evaluations", "Times that a gate let a seed pass.", "passed"),
    ),
    added(GateEvaluated, (*ENV, "gate", "check"), rows=_checks, zeros={RunStarted: _named_checks})(
        nissa_gate_check_failures_total=counter(
            "checks", "Checks of a gate that failed, by name.", lambda check: not check.passed
        ),
    ),
)
