"""What happens in each slot? Stages, gates, gradients, and what its seed is worth."""

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    RunStarted,
    SeedsAttributed,
    StageChanged,
)
from nissa.events.vocabulary import EMPTY_STAGES, GATES, STAGES
from nissa.sinks.prometheus.lifetimes import added, of_episode, of_seeds
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


def _seeds(at: Labels, event: Event[SeedsAttributed]) -> list[Row]:
    return [((*at, row.slot), row) for row in event.payload.seeds]


def _pairs(at: Labels, event: Event[SeedsAttributed]) -> list[Row]:
    """Both slots in one label: there are few, and the pair is what the value is of."""
    return [((*at, f"{row.first} and {row.second}"), row) for row in event.payload.interactions]


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
        nissa_slot_ablation_ratio=gauge(
            "ratio",
            "Validation accuracy minus that with this seed alone switched off: leave one out, which is no attribution.",
            _of_seed("counterfactual_contribution"),
        ),
        nissa_slot_improvement_ratio=gauge(
            "ratio", "Validation accuracy minus that at the seed's germination.", _of_seed("total_improvement")
        ),
        nissa_slot_epoch_improvement_ratio=gauge(
            "ratio", "Validation accuracy minus that of the epoch before.", percent("improvement_this_epoch")
        ),
    ),
    of_seeds(SeedsAttributed, (*ENV, "slot"), rows=_seeds)(
        nissa_slot_shapley_ratio=gauge(
            "ratio",
            "Shapley value: what switching the seed on adds to the accuracy, mean over all orders.",
            percent("shapley"),
        ),
        nissa_slot_shapley_low_ratio=gauge(
            "ratio", "Lower end of the 95% interval of the Shapley value.", percent("shapley_low")
        ),
        nissa_slot_shapley_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the Shapley value.", percent("shapley_high")
        ),
        nissa_slot_shapley_exact=gauge("1", "1 where that value is of all configurations, 0 where of some.", "exact"),
        nissa_slot_shapley_loss=gauge(
            "nats",
            "Shapley value in the loss: what switching the seed on takes away from the validation loss.",
            "loss_shapley",
        ),
        nissa_slot_marginal_ratio=gauge(
            "ratio",
            "What switching the seed on adds to the accuracy, mean over all configurations of the others.",
            percent("marginal"),
        ),
    ),
    of_seeds(SeedsAttributed, (*ENV, "slot"), rows=_pairs)(
        nissa_slot_interaction_ratio=gauge(
            "ratio",
            "What the seeds of two slots add to the accuracy together beyond what each adds without the other.",
            percent("interaction"),
        ),
        nissa_slot_interaction_low_ratio=gauge(
            "ratio", "Lower end of the 95% interval of the interaction.", percent("low")
        ),
        nissa_slot_interaction_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the interaction.", percent("high")
        ),
    ),
    of_seeds(SeedsAttributed, ENV)(
        nissa_ablation_delta_ratio=gauge(
            "ratio",
            "Accuracy of the trained network with all seeds minus that of the same one with every seed switched off.",
            percent("ablation_delta"),
        ),
        nissa_attribution_evaluations=gauge(
            "evaluations", "Results that the last attribution of seeds rests on.", "evaluations"
        ),
        nissa_attribution_unmeasured_configurations=gauge(
            "configurations", "Configurations that were asked for and not measured.", "unmeasured"
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
