"""What spoke for a decision, and what against the others, in words: each says a figure, and none is said without one.

>>> from nissa.operators.decisions.evidence import SlotState
>>> state = Evidence(slots={"early": SlotState("DORMANT"), "late": SlotState("HOLDING", 3, 1.0)})
>>> made = DecisionMade(action=Action(op="GERMINATE", slot="early", blueprint="norm"), executed=True)
>>> why_this_action(made, state)
'early DORMANT'
>>> why_not_alternatives(made, state)["FOSSILIZE"]
'late HOLDING for 3 epochs at alpha 1.00'
"""

from collections.abc import Iterable, Iterator
from math import exp

from nissa.events.kinds import Action, DecisionMade, HeadDecision, SeedAttribution
from nissa.events.vocabulary import EMPTY_STAGES, OPERATIONS
from nissa.operators.decisions.evidence import Evidence

__all__ = ["why_not_alternatives", "why_this_action"]


def why_this_action(decision: DecisionMade, known: Evidence) -> str:
    """The slots that it is about, how the policy drew it, what it expects, the heuristic, and what refused it."""
    return "; ".join(_for(decision, known)) or "nothing was told of it"


def why_not_alternatives(decision: DecisionMade, known: Evidence) -> dict[str, str]:
    """By other operation: where it could have been done, or what masked it, and whether the heuristic would have."""
    others = [op for op in OPERATIONS if op != decision.action.op]
    return {op: "; ".join(_against(op, decision, known)) or "nothing was told of it" for op in others}


def _for(decision: DecisionMade, known: Evidence) -> Iterator[str]:
    slots = known.slots if decision.action.op == "WAIT" else [decision.action.slot or ""]
    if told := _slots(slots, known):
        yield told
    yield from _learning(known)
    if decision.heads:
        yield _drawn(decision.heads)
    if decision.value is not None:
        yield f"the critic expects {decision.value:.2f}"
    if decision.heuristic is not None:
        same = decision.heuristic == decision.action
        yield "the heuristic agrees" if same else f"the heuristic would {_named(decision.heuristic)}"
    if decision.executed is False:
        yield f"refused by {decision.refused_by}" if decision.refused_by else "not carried out"


def _against(op: str, decision: DecisionMade, known: Evidence) -> Iterator[str]:
    head = decision.heads.get("op")
    masked = head is not None and len(head.mask) == len(OPERATIONS) and not head.mask[OPERATIONS.index(op)]
    slots = _slots(known.where(op), known)
    if masked:
        yield "masked" + (f": {_stages(known)}" if known.slots else "")
    elif slots:
        yield slots
    elif known.slots and op != "WAIT":
        yield "no slot for it"
    if op == "WAIT" and not masked:
        yield from _learning(known)
    if head is not None and not masked:
        left = 1 - _probability(head.log_prob)
        yield f"{left:.2f} was left to it" + (f" and {head.valid - 2} more" if head.valid > 2 else "")
    if decision.heuristic is not None and decision.heuristic.op == op:
        yield f"the heuristic would {_named(decision.heuristic)}"


def _learning(known: Evidence) -> Iterator[str]:
    """How the network learned, as assessed after the epoch before."""
    if known.assessed is not None:
        epochs = known.assessed.plateau_epochs
        yield f"learning: {known.assessed.learning}" + (f", best {epochs} epochs ago" if epochs else "")


def _drawn(heads: dict[str, HeadDecision]) -> str:
    """The probability of the operation, and of all of the action; what had no choice is not drawn."""
    op, free = heads.get("op"), [name for name, head in heads.items() if head.relevant and not head.forced]
    if not free:
        return "masks left no choice"
    whole = _probability(sum(heads[name].log_prob for name in free))
    if op is None or op.forced:
        return f"drawn with probability {whole:.2f} ({', '.join(free)})"
    rest = f", with {', '.join(name for name in free if name != 'op')} {whole:.2f}" if len(free) > 1 else ""
    return f"drawn with probability {_probability(op.log_prob):.2f} of {op.valid} operations{rest}"


def _slots(slots: Iterable[str], known: Evidence) -> str:
    """Each in a few words; of those that are alike, the names together."""
    alike: dict[str, list[str]] = {}
    for slot in slots:
        if slot in known.slots:
            alike.setdefault(_slot(slot, known), []).append(slot)
    return ", ".join(f"{'/'.join(names)} {state}" for state, names in alike.items())


def _stages(known: Evidence) -> str:
    """What masks go by."""
    gates = {slot: " ".join(["", *_gate(slot, known)]) for slot in known.slots}
    return ", ".join(f"{slot} {state.stage}{gates[slot]}" for slot, state in known.slots.items())


def _slot(slot: str, known: Evidence) -> str:
    state, facts = known.slots[slot], ", ".join([*_worth(known.worth.get(slot)), *_gate(slot, known)])
    if state.stage in EMPTY_STAGES:
        return state.stage
    lasted = f" for {state.epochs_in_stage} epochs" if state.epochs_in_stage else ""
    mixed = f" at alpha {state.alpha:.2f}" if state.alpha else ""
    return f"{state.stage}{lasted}{mixed}" + (f" [{facts}]" if facts else "")


def _worth(seed: SeedAttribution | None) -> Iterator[str]:
    if seed is not None and seed.shapley is not None:
        known = seed.shapley_low is not None and seed.shapley_high is not None
        interval = f" ({seed.shapley_low:.2f} to {seed.shapley_high:.2f})" if known else ""
        yield f"worth {seed.shapley:+.2f}{interval} points"


def _gate(slot: str, known: Evidence) -> Iterator[str]:
    if (gate := known.gates.get(slot)) is not None:
        yield f"{gate.gate} passed" if gate.passed else f"{gate.gate} shut: {gate.reason}"


def _named(action: Action) -> str:
    return " ".join(part for part in (action.op, action.slot, action.blueprint) if part)


def _probability(log_prob: float) -> float:
    """Of a log-probability that rounding, or another system, may have put above 0."""
    return exp(min(log_prob, 0.0))
