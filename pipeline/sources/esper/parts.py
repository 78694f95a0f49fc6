"""What takes more than one field of theirs: slots, sizes, checks of a gate, actions, configurations."""

import re
from collections.abc import Callable
from typing import Any

from nissa.events.kinds import Action, CounterfactualResult, GateCheck, SlotSnapshot
from nissa.pipeline.sources.esper.fields import Line, MisfitError, Read, name, number, stage, texts, truth, whole
from nissa.pipeline.sources.esper.history import Host

__all__ = [
    "accuracy_delta",
    "action",
    "checks",
    "durations",
    "fossilized_params",
    "results",
    "seed_params",
    "slot_config",
    "snapshots",
    "total_params",
]

_NUMBER = re.compile(r"_(-?\d+(?:\.\d+)?)%?(?=_|$)")
_OPERATIONS = {"PRUNE": "CULL"}


def snapshots(line: Line, host: Host) -> list[SlotSnapshot]:
    """The slots that `seeds` tells of, from the input to the output, with the sizes of their seeds at germination."""
    if line.slots is None:
        seeds = _object("seeds", line.data.get("seeds") or {})
        known = host.run.slot_config if host.run else {}
        order = [*(slot for slot in known if slot in seeds), *sorted(seeds.keys() - known.keys())]
        line.slots = [row for slot in order if (row := _readable(line, host, slot, seeds[slot]))]
    return line.slots


def seed_params(line: Line, host: Host) -> int | None:
    """Parameters of the seeds present in `seeds`; None if one was not seen to germinate."""
    return _size(line, host, lambda _: True)


def fossilized_params(line: Line, host: Host) -> int | None:
    """The same of the fossilized ones."""
    return _size(line, host, lambda stage: stage == "FOSSILIZED")


def total_params(line: Line, host: Host) -> int | None:
    """Parameters of the host and of the seeds present, if all are known."""
    seeds = seed_params(line, host)
    return None if seeds is None or host.host_params is None else host.host_params + seeds


def checks(line: Line, _: Host) -> list[GateCheck]:
    """Their checks are texts such as "gradient_health_low_0.50_need_0.70": the numbers leave the name."""
    found = [(text, passed) for passed in (True, False) for text in _checked(line, passed)]
    return [_check(text, passed) for text, passed in found]


def action(line: Line, _: Host) -> Action | None:
    """The factored action; only what its operation used, for some trainers tell all that was drawn."""
    operation = line.data.get("action_name", line.data.get("op"))
    if operation is None:
        return None
    operation = name(line, "action_name", operation)
    slot = None if operation == "WAIT" else _text(line, "slot_id")
    drawn = (("blueprint", "blueprint_id"), ("blend", "blend_id")) if operation == "GERMINATE" else ()
    return Action(
        op=_OPERATIONS.get(operation, operation), slot=slot, **{part: _text(line, field) for part, field in drawn}
    )


def accuracy_delta(line: Line, host: Host) -> float | None:
    """Change of the validation accuracy over the epoch that the decision followed, if the epoch before was seen."""
    if line.data.get("inner_epoch") != host.epoch or host.val_accuracy is None or host.accuracy_before is None:
        return None
    return host.val_accuracy - host.accuracy_before


def results(line: Line, _: Host) -> list[CounterfactualResult]:
    """The configurations as they are told, one that is told twice included."""
    return [_result(line, _object("configs", row)) for row in _list(line, "configs")]


def durations(line: Line, _: Host) -> dict[str, float]:
    """Wall-clock seconds by phase."""
    phases = _object("phases", line.data.get("phases"))
    rows = {phase: _object("phases", row).get("wall_ms") for phase, row in phases.items()}
    return {phase: number(line, "phases.wall_ms", wall) / 1000 for phase, wall in rows.items()}


def slot_config(line: Line, _: Host) -> dict[str, int | None] | None:
    """The slots, if told; how wide they are is not."""
    told = line.data.get("slot_ids")
    return None if told is None else dict.fromkeys(texts(line, "slot_ids", told))


def _size(line: Line, host: Host, counts: Callable[[str], bool]) -> int | None:
    if line.data.get("seeds") is None:
        return None
    if len(rows := snapshots(line, host)) < len(line.data["seeds"]):
        return None
    sizes = [row.seed_params for row in rows if host.is_present(row.stage) and counts(row.stage)]
    measured = [size for size in sizes if size is not None]
    return sum(measured) if len(measured) == len(sizes) else None


def _readable(line: Line, host: Host, slot: str, row: Any) -> SlotSnapshot | None:
    """A slot; None, and told, if something about it is unfit, which is no reason to lose the epoch."""
    try:
        return _snapshot(line, host, slot, _object("seeds", row))
    except MisfitError as error:
        line.odd.append(f"{line.type}.{error}")
        return None


def _snapshot(line: Line, host: Host, slot: str, row: dict[str, Any]) -> SlotSnapshot:
    now, blueprint = stage(line, "seeds.stage", row.get("stage")), row.get("blueprint_id")
    present = host.seeds.get(slot)
    return SlotSnapshot(
        slot=slot,
        stage=now,
        epochs_in_stage=_if_told(line, row, "epochs_in_stage", whole),
        seed=present.seed if present and host.is_present(now) else None,
        blueprint=_if_told(line, row, "blueprint_id", name),
        seed_params=host.size(slot, blueprint) if host.is_present(now) else 0,
        alpha=_if_told(line, row, "alpha", number),
    )


def _if_told(line: Line, row: dict[str, Any], field: str, read: Read) -> Any:
    value = row.get(field)
    return None if value is None else read(line, f"seeds.{field}", value)


def _check(text: str, passed: bool) -> GateCheck:
    numbers = [float(found) for found in _NUMBER.findall(text)]
    value, threshold, *_ = [*numbers, None, None]
    return GateCheck(name=_NUMBER.sub("", text), value=value, threshold=threshold, passed=passed)


def _checked(line: Line, passed: bool) -> list[str]:
    field = "checks_passed" if passed else "checks_failed"
    return texts(line, field, line.data.get(field))


def _result(line: Line, row: dict[str, Any]) -> CounterfactualResult:
    mask = row.get("seed_mask")
    if not isinstance(mask, list | tuple):
        raise MisfitError("configs.seed_mask: no list")
    accuracy = number(line, "configs.accuracy", row.get("accuracy"))
    config = [truth(line, "configs.seed_mask", on) for on in mask]
    return CounterfactualResult(config=config, alpha_settings={}, val_accuracy=accuracy)


def _object(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MisfitError(f"{field}: no object")
    return value


def _list(line: Line, field: str) -> list[Any]:
    value = line.data.get(field)
    if not isinstance(value, list | tuple):
        raise MisfitError(f"{field}: no list")
    return list(value)


def _text(line: Line, field: str) -> str | None:
    value = line.data.get(field)
    return None if value is None else name(line, field, value)
