"""How decisions and updates of the policy are read from esper-lite's events of any age: what holds which field."""

from math import isfinite
from typing import Any

from nissa.events.kinds import DecisionMade, PolicyUpdated
from nissa.pipeline.sources.esper import parts
from nissa.pipeline.sources.esper.fields import Line, MisfitError, number, whole
from nissa.pipeline.sources.esper.history import Host
from nissa.pipeline.sources.esper.rules import Translation, data, fixed, known

__all__ = ["ACTION", "UPDATE"]

_SKIPPED = "skipped: no update took place, so its numbers are none"
_NO_LOW_VARIANCE = "return_std: 0 is their default, and no low variance is told"
_MEAN_OF_EXTREMES = "ratio_max: a mean of extremes until December 2025, and no warning tells the largest"


def _skipped(line: Line) -> str | None:
    """Carried whole if it was skipped and all its numbers are finite."""
    skipped = line.data.get("skipped") is True or line.data.get("update_skipped") is True
    return _SKIPPED if skipped and all(_is_finite(line.data.get(field)) for field in UPDATE.used) else None


def _is_finite(value: Any) -> bool:
    """Whether a value is finite, or no number at all."""
    try:
        return isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return True


def _return_std(line: Line, field: str, value: Any) -> float:
    """It is 0 too where nobody measured it; that it was is believed where they say that it was low."""
    told = number(line, field, value)
    if told == 0 and line.data.get("ev_low_return_variance") is not True:
        raise MisfitError(_NO_LOW_VARIANCE)
    return told


def _approx_kl(line: Line, field: str, value: Any) -> float:
    """Their first spelling was another estimate of the same: mean(-log r)."""
    if field == "approx_kl":
        line.odd.append(f"{line.type}.approx_kl: mean(-log r) until December 2025, which may be negative")
    return number(line, field, value)


def _measured(line: Line, field: str, value: Any) -> float:
    """A recurrent policy measured nothing of its ratios until December 2025."""
    ratios = [line.data.get(name) for name in ("ratio_max", "ratio_min", "ratio_std")]
    if "approx_kl" in line.data and ratios == [1, 1, 0]:
        raise MisfitError(f"{field}: not measured of a recurrent policy")
    return number(line, field, value)


def _ratio_max(line: Line, host: Host) -> float | None:
    if "approx_kl" not in line.data:
        told: float | None = line.read("ratio_max", number)
        return told
    update, largest = host.ratio or (None, None)
    if largest is None or update != line.data.get("train_steps"):
        raise MisfitError(_MEAN_OF_EXTREMES)
    return largest


UPDATE = Translation(
    PolicyUpdated,
    {
        "update": known("`batch` - 1", lambda line, _: whole(line, "batch", line.data.get("batch")) - 1),
        "decisions": data("usable_actor_timesteps", whole),
        "policy_loss": data("policy_loss", number),
        "value_loss": data("value_loss", number),
        "approx_kl": data("kl_divergence", _approx_kl, "approx_kl"),
        "clip_fraction": data("clip_fraction", _measured),
        "explained_variance": data("explained_variance", _measured),
        "ratio_max": known(
            "`ratio_max`; beside `approx_kl` that of the warning about the same update", _ratio_max, "ratio_max"
        ),
        "heads": fixed(dict, "(no numbers of valid choices)"),
        "value_mean": data("value_mean", number),
        "value_std": data("value_std", number),
        "return_mean": data("return_mean", number),
        "return_std": data("return_std", _return_std),
        "grad_norm": data("pre_clip_grad_norm", number),
        "learning_rate": data("lr", number),
        "early_stopped": known(
            "whether `early_stop_epoch` is set",
            lambda line, _: None if "early_stop_epoch" not in line.data else line.data["early_stop_epoch"] is not None,
        ),
    },
    unless=_skipped,
)
ACTION = Translation(
    DecisionMade,
    {
        "action": known("`action_name`, once `op`, `slot_id`, `blueprint_id`, `blend_id`", parts.action),
        "heads": fixed(dict, "(no masks)"),
        "value": data("value_estimate", number),
        "reward": data("total_reward", number),
        "accuracy_delta": known("from the last two EPOCH_COMPLETED", parts.accuracy_delta),
    },
)
