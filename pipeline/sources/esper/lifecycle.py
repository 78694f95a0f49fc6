"""How the events of a seed's life are read from esper-lite's, of whatever age: what holds which field."""

from typing import Any

from nissa.events.kinds import GateEvaluated, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.pipeline.sources.esper.fields import Line, MisfitError, name, number, stage, truth, whole
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.parts import checks
from nissa.pipeline.sources.esper.rules import Translation, beside, data, known

__all__ = ["FOSSILIZED", "GATE", "GERMINATED", "PRUNED", "STAGE"]


_NOT_MEASURED = "improvement: 0 before a second epoch, which is their default"
_SPELLED = (("from_stage", "from"), ("to_stage", "to"))


def _slot(line: Line, _: Host) -> str | None:
    if line.data.get("slot_id") is None:
        return None if line.slot is None else name(line, "slot_id", line.slot)
    found: str = line.read("slot_id", name)
    return found


def _stage(line: Line) -> str | None:
    told = (line.data.get(field) for field in _SPELLED[0])
    return next((stage(line, "from_stage", value) for value in told if value is not None), None)


def _accuracy_delta(line: Line, host: Host) -> float | None:
    """Constant once the seed is gone, and 0 before its second epoch."""
    value = line.data.get("accuracy_delta")
    if value is None or not host.is_present(_stage(line) or ""):
        return None
    found: float = line.read("accuracy_delta", number)
    return found


def _improvement(line: Line, field: str, value: Any) -> float:
    found = number(line, field, value)
    if found == 0 and line.data.get("epochs_total") in (0, 1):
        raise MisfitError(_NOT_MEASURED)
    return found


def _initiator(line: Line, _: Host) -> str | None:
    """As told since the end of December 2025; before, by the reason."""
    reason = line.data.get("reason")
    if line.data.get("initiator") is not None:
        told: str = line.read("initiator", name)
        return told
    if isinstance(reason, str) and reason.startswith("governor_"):
        return "governor"
    if reason in ("negative_counterfactual", "probation_timeout"):
        return "auto"
    many = str(line.envelope.get("seed_id")).startswith("env")
    return "policy" if reason == "" and many else None


def _params_added(line: Line, host: Host) -> int | None:
    """As told; not so in a week of December 2025, but at germination."""
    told: int | None = line.read("params_added", whole)
    blueprint = line.data.get("blueprint_id")
    return host.size(str(line.slot), blueprint) if told is None and blueprint is not None else told


_SEED = {"slot": known("`slot_id`, once of the envelope", _slot, "slot_id"), "seed": beside("seed_id", name)}
_BLUEPRINT = known(
    "of the seed that germinated", lambda line, host: host.blueprint(str(line.slot), line.envelope.get("seed_id"))
)

GERMINATED = Translation(
    SeedGerminated, _SEED | {"blueprint": data("blueprint_id", name), "params": data("params", whole)}
)
STAGE = Translation(
    StageChanged,
    _SEED
    | {
        "blueprint": _BLUEPRINT,
        **{ours: data(ours, stage, older) for ours, older in _SPELLED},
        "epochs_in_stage": data("epochs_in_stage", whole),
        "alpha": data("alpha", number),
        "accuracy_delta": known(
            "`accuracy_delta`; None once the seed is gone, where theirs is 0", _accuracy_delta, "accuracy_delta"
        ),
    },
)
GATE = Translation(
    GateEvaluated,
    _SEED
    | {
        "blueprint": _BLUEPRINT,
        "gate": data("gate", name),
        "target_stage": data("target_stage", stage),
        "passed": data("passed", truth),
        "checks": known("`checks_passed`, `checks_failed`", checks),
        "reason": known("`message`", lambda line, _: line.read("message", name) or "", "message"),
    },
)
_IMPROVEMENT = data("improvement", _improvement)
_ABLATION = data("counterfactual", number)
"""Their accuracy minus that with the seed's alpha at 0: the sign and the meaning of ours. `blending_delta` is none, but
the change since blending began, host included."""

FOSSILIZED = Translation(
    SeedFossilized,
    _SEED
    | {
        "blueprint": data("blueprint_id", name),
        "improvement": _IMPROVEMENT,
        "ablation": _ABLATION,
        "params_added": known("`params_added`, else the size at germination", _params_added, "params_added"),
        "epochs_total": data("epochs_total", whole),
    },
)
PRUNED = Translation(
    SeedCulled,
    _SEED
    | {
        "blueprint": data("blueprint_id", name),
        "improvement": _IMPROVEMENT,
        "ablation": _ABLATION,
        "reason": data("reason", name),
        "initiator": known("`initiator`, else what the reason says", _initiator, "initiator"),
        "epochs_total": data("epochs_total", whole),
    },
)
