"""Which values may the labels of a legend have? What this code, the pipeline and the reference trainer call things."""

from collections.abc import Mapping

from nissa.events.kinds import KINDS
from nissa.events.vocabulary import ALERT_NAMES, COMPLAINTS, FLAGS, OPPORTUNITIES, STAGES
from nissa.trainer.network.gates import GATES
from nissa.trainer.policy.actions import HEADS
from nissa.trainer.policy.rewards import reward_components

__all__ = ["UNKNOWN", "VALUES"]

Families = tuple[tuple[str, ...], ...]

_BUSY = (
    *("batch_completed", "gradients_measured", "phase_timed", "decision_made"),
    *("activations_measured", "classes_measured", "epoch_assessed", "epoch_completed"),
)
"""Kinds of most events of a demo, which stand one on the other."""
_EARNED = reward_components(accuracy_delta=0, twin_delta=0, growth_ratio=1, fossilized=False, culled=False)
VALUES: Mapping[str, Families] = {
    "action": (HEADS["op"],),
    "slot": (HEADS["slot"],),
    "blueprint": (HEADS["blueprint"],),
    "head": (tuple(HEADS),),
    "stage": (STAGES,),
    "group": (("ppo", "heuristic", "never"),),
    "severity": (("critical", "warning", "info"),),
    "kind": (_BUSY, tuple({*KINDS, "unknown"} - {*_BUSY})),
    "flag": (FLAGS,),
    "opportunity": (OPPORTUNITIES,),
    "complaint": (COMPLAINTS,),
    "component": (tuple(_EARNED), ("dispatcher", "emit", "hub"), ("console", "log")),
    "sink": (("console", "log"),),
    "gate": (tuple(GATES),),
    "reason": (
        tuple({rule.fact for gate in GATES.values() for rule in gate.rules}),
        ("episode_end", "gate", "heuristic", "policy"),
        # What asks for a dense trace; the last of them is rare.
        ALERT_NAMES,
    ),
    "phase": (("train", "validate", "decide", "counterfactual", "update"),),
    "trend": (("improvement", "plateau", "degradation"),),
    "percentile": (("p1", "p5", "p25", "p50", "p75", "p95", "p99"),),
}
"""Values by label, in families that are seen beside each other."""

_ANY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
UNKNOWN = tuple(start + end for start in ("", "a", "host.b", "late.a") for end in _ANY)
"""What nobody knows: names of layers, or of another trainer's blueprints."""
