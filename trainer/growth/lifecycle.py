"""The life of a seed: germinate, pass gates from stage to stage, and end as a part of the host or be culled.

To be fossilized is to be kept: nothing can cull the seed any more. Its weights go on learning with the host's.

DORMANT -> GERMINATED -> TRAINING -> BLENDING -> HOLDING -> FOSSILIZED; from any stage before the last it can be culled,
and its slot is DORMANT again. Every gate that is asked and every move is emitted where it happens.
"""

from collections.abc import Callable

from nissa.events.kinds import GateEvaluated, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.trainer.network import GATES, Seed, Slot, checks, reason

__all__ = ["PATIENCE", "advance", "cull", "fossilize", "germinate", "mix_in"]

PATIENCE = 4
"""Epochs for which a gate that stays shut is asked again before the seed is culled."""
_WAY_OUT = {"GERMINATED": "G1", "TRAINING": "G2", "BLENDING": "G3", "HOLDING": "G4"}


def germinate(slot: Slot, seed: Seed, facts: dict[str, float | None]) -> bool:
    """Put a seed into an empty slot if G0 lets it. Returns whether it did."""
    if not _pass(slot, seed, "G0", facts):
        return False
    slot.seed = seed
    slot.emitter.emit(
        SeedGerminated(slot=slot.name, seed=seed.name, blueprint=seed.blueprint, params=seed.params, flops=seed.flops)
    )
    _move(slot, seed, "GERMINATED", seed.accuracy)
    return True


def mix_in(slot: Slot, accuracy: float) -> None:
    """Let a seed that has germinated take part in full at once, without isolation and blending."""
    if slot.seed is not None:
        slot.alpha = 1.0
        _move(slot, slot.seed, "HOLDING", accuracy)


def advance(slot: Slot, accuracy: float, measure: Callable[[], float]) -> bool:
    """After an epoch: ask the gate that is due, if any, and move on or, when patience is over, cull.

    `accuracy` is the validation accuracy in percent, now, and `measure` as in `cull`. Returns whether it culled.
    """
    seed, gate = slot.seed, _WAY_OUT.get(slot.stage)
    if seed is None or gate is None or slot.stable or slot.epochs_in_stage < GATES[gate].due:
        return False
    if not _pass(slot, seed, gate, slot.facts):
        overdue = slot.epochs_in_stage >= GATES[gate].due + PATIENCE
        return overdue and cull(slot, accuracy, measure, reason=f"{gate} stayed shut", initiator="gate")
    if gate == "G4":
        slot.stable = True
    else:
        _move(slot, seed, GATES[gate].target_stage, accuracy)
    return False


def fossilize(slot: Slot, accuracy: float) -> bool:
    """Make a seed that holds a permanent part of the host, which goes on learning, if G5 lets it.

    Returns whether it did.
    """
    seed, ready = slot.seed, slot.stage == "HOLDING" and slot.stable
    if seed is None or not ready or not _pass(slot, seed, "G5", slot.facts):
        return False
    _move(slot, seed, "FOSSILIZED", accuracy)
    slot.emitter.emit(
        SeedFossilized(
            slot=slot.name,
            seed=seed.name,
            blueprint=seed.blueprint,
            improvement=accuracy - seed.accuracy,
            ablation=slot.facts.get("counterfactual_contribution"),
            params_added=seed.params,
            epochs_total=seed.age,
        )
    )
    return True


def cull(slot: Slot, accuracy: float, measure: Callable[[], float], *, reason: str, initiator: str) -> bool:
    """Remove a seed that is not fossilized; the slot is empty again. Returns whether there was one.

    `accuracy` is that of the last epoch; `measure` validates the network as it stands, in percent, and is asked right
    before and right after if the seed takes part in its output.
    """
    seed = slot.seed
    if seed is None or slot.stage == "FOSSILIZED":
        return False
    mixed, ablation = slot.alpha > 0, slot.facts.get("counterfactual_contribution")
    before = measure() if mixed else None
    _move(slot, seed, "CULLED", accuracy)
    slot.clear()
    slot.emitter.emit(
        SeedCulled(
            slot=slot.name,
            seed=seed.name,
            blueprint=seed.blueprint,
            improvement=accuracy - seed.accuracy,
            ablation=ablation,
            accuracy_before=before,
            accuracy_after=measure() if mixed else None,
            reason=reason,
            initiator=initiator,
            epochs_total=seed.age,
        )
    )
    slot.emitter.emit(
        StageChanged(slot=slot.name, from_stage="CULLED", to_stage="DORMANT", epochs_in_stage=0, alpha=0.0)
    )
    return True


def _pass(slot: Slot, seed: Seed, name: str, facts: dict[str, float | None]) -> bool:
    gate = GATES[name]
    found = checks(gate, facts)
    slot.gate = GateEvaluated(
        slot=slot.name,
        seed=seed.name,
        blueprint=seed.blueprint,
        gate=name,
        target_stage=gate.target_stage,
        passed=all(check.passed for check in found),
        checks=found,
        reason=reason(found),
    )
    slot.emitter.emit(slot.gate)
    return slot.gate.passed


def _move(slot: Slot, seed: Seed, stage: str, accuracy: float) -> None:
    slot.emitter.emit(
        StageChanged(
            slot=slot.name,
            seed=seed.name,
            blueprint=seed.blueprint,
            from_stage=slot.stage,
            to_stage=stage,
            epochs_in_stage=slot.epochs_in_stage,
            alpha=slot.alpha,
            accuracy_delta=accuracy - seed.accuracy,
        )
    )
    slot.enter(stage, accuracy)
