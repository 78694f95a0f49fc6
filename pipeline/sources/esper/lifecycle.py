"""How the events of a seed's life are read from esper-lite's: what holds which field."""

from nissa.events.kinds import GateEvaluated, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.pipeline.sources.esper.fields import Line, name, number, stage, truth, whole
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.parts import checks
from nissa.pipeline.sources.esper.rules import Translation, beside, data, known

__all__ = ["FOSSILIZED", "GATE", "GERMINATED", "PRUNED", "STAGE"]


def _which(line: Line) -> tuple[str, str | None]:
    return str(line.data.get("slot_id")), line.envelope.get("seed_id")


def _accuracy_delta(line: Line, host: Host) -> float | None:
    value = line.data.get("accuracy_delta")
    gone = value is None or not host.is_present(stage(line, "from_stage", line.data.get("from_stage")))
    return None if gone else number(line, "accuracy_delta", value)


_SEED = {"slot": data("slot_id", name), "seed": beside("seed_id", name)}
_BLUEPRINT = known("of the seed that germinated", lambda line, host: host.blueprint(*_which(line)))

GERMINATED = Translation(
    SeedGerminated, _SEED | {"blueprint": data("blueprint_id", name), "params": data("params", whole)}
)
STAGE = Translation(
    StageChanged,
    _SEED
    | {
        "blueprint": _BLUEPRINT,
        "from_stage": data("from_stage", stage),
        "to_stage": data("to_stage", stage),
        "epochs_in_stage": data("epochs_in_stage", whole),
        "alpha": data("alpha", number),
        "accuracy_delta": known("`accuracy_delta`; None once the seed is gone, where theirs is 0", _accuracy_delta),
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
        "reason": known("`message`", lambda line, _: name(line, "message", line.data.get("message") or "")),
    },
)
_ABLATION = data("counterfactual", number)
"""Their accuracy minus that with the seed's alpha at 0: the sign and the meaning of ours. `blending_delta` is none, but
the change since blending began, host included."""

FOSSILIZED = Translation(
    SeedFossilized,
    _SEED
    | {
        "blueprint": data("blueprint_id", name),
        "improvement": data("improvement", number),
        "ablation": _ABLATION,
        "params_added": data("params_added", whole),
        "epochs_total": data("epochs_total", whole),
    },
)
PRUNED = Translation(
    SeedCulled,
    _SEED
    | {
        "blueprint": data("blueprint_id", name),
        "improvement": data("improvement", number),
        "ablation": _ABLATION,
        "reason": data("reason", name),
        "initiator": data("initiator", name),
        "epochs_total": data("epochs_total", whole),
    },
)
