"""Epochs of a recorded run as text: the network, its slots, and what it does with some seeds switched off."""

from collections.abc import Iterable, Iterator, Sequence

from nissa.events.kinds import CounterfactualResult, SeedAttribution, SeedInteraction, SeedsAttributed, SlotSnapshot
from nissa.events.vocabulary import EMPTY_STAGES
from nissa.sinks.store import Counterfactual, EpochSnapshot
from nissa.sinks.text import DASH, Cells, counted, filled_table, name, number, place, place_cells, text_lines

__all__ = ["counterfactual_lines", "epoch_lines", "slot_lines"]

_ORDER = "Germination, cull and fossilization happen before their epoch trains; other stages after its validation."


def epoch_lines(snapshots: Sequence[EpochSnapshot], *, seedless: bool = False) -> Iterator[str]:
    """A row for each epoch."""
    left = ("group", "env", "episode", "epoch")
    right = ("train loss", "val loss", "val acc", "params", "host grad")
    yield from _lines(left, right, ("seeds",), map(_epoch, snapshots))
    if not seedless:
        yield _ORDER


def slot_lines(snapshot: EpochSnapshot) -> Iterator[str]:
    """What was said of an epoch, and a row for each slot of the host after it."""
    if snapshot.assessed is not None:
        yield snapshot.assessed.narrative
        if snapshot.assessed.red_flags:
            yield f"red flags: {', '.join(snapshot.assessed.red_flags)}"
    if snapshot.completed.slots:
        left = ("slot", "stage", "for", "blueprint")
        right = ("params", "alpha", "ablation, points", "change while it lived, points")
        yield from _lines(left, right, ("last gate",), map(_slot, snapshot.completed.slots))


def counterfactual_lines(row: Counterfactual) -> Iterator[str]:
    """A row for each configuration of an epoch: which seeds were on, and what that costs against the full network.

    That is points of accuracy, or the loss where no accuracy is measured.
    """
    slots, results = row.measured.slots, row.measured.results
    full = next((result for result in results if all(result.config)), None)
    samples = number(row.measured.n_val, ", {:,} samples", "")
    yield f"seeds switched off, {place(*row.where[1:])}{samples}:"
    right = ("val acc", "against all, points", "val loss", "against all, nats")
    yield from _lines(("seeds on",), right, (), (_configuration(slots, result, full) for result in results))
    if row.attributed is not None:
        yield from _attribution(row.attributed)


def _attribution(found: SeedsAttributed) -> Iterator[str]:
    """A row for each seed, and one for each pair."""
    missing = f", {found.unmeasured:,} missing" if found.unmeasured else ""
    yield f"what each seed is worth, from {counted(found.evaluations, 'result')}{missing}:"
    right = ("Shapley, points", "95% CI", "marginal", "ablation")
    yield from _lines(("slot", "blueprint"), right, ("from",), map(_seed, found.seeds))
    if found.interactions:
        together = ("interaction, points", "95% CI")
        yield from _lines(("two seeds",), together, (), map(_pair, found.interactions))


def _seed(row: SeedAttribution) -> Cells:
    how = "all configurations" if row.exact else "some configurations"
    return [
        name(row.slot),
        name(row.blueprint),
        number(row.shapley, "{:+.2f}"),
        _interval(row.shapley_low, row.shapley_high),
        number(row.marginal, "{:+.2f}"),
        number(row.ablation, "{:+.2f}"),
        how if row.shapley is not None else "not measured",
    ]


def _pair(row: SeedInteraction) -> Cells:
    return [name(f"{row.first}, {row.second}"), number(row.interaction, "{:+.2f}"), _interval(row.low, row.high)]


def _interval(low: float | None, high: float | None) -> str:
    return DASH if low is None or high is None else f"{low:+.2f} to {high:+.2f}"


def _configuration(slots: Sequence[str], result: CounterfactualResult, full: CounterfactualResult | None) -> Cells:
    on = [slot for slot, switched in zip(slots, result.config, strict=False) if switched]
    whole = full.val_accuracy if full else None
    return [
        name(", ".join(map(str, on)) or "none"),
        number(result.val_accuracy, "{:.2f}%"),
        number(_minus(result.val_accuracy, whole), "{:+.2f}"),
        number(result.val_loss, "{:.4g}"),
        number(_minus(result.val_loss, full.val_loss) if full and whole is None else None, "{:+.4g}"),
    ]


def _minus(value: float | None, whole: float | None) -> float | None:
    return None if value is None or whole is None else value - whole


def _epoch(snapshot: EpochSnapshot) -> Cells:
    row = snapshot.completed
    live = [f"{slot.slot} {slot.stage.lower()}" for slot in row.slots if slot.stage not in EMPTY_STAGES]
    return [
        *place_cells(*snapshot.where[1:]),
        number(row.train_loss, "{:.4g}"),
        number(row.val_loss, "{:.4g}"),
        number(row.val_accuracy, "{:.2f}%"),
        number(row.total_params, "{:,}"),
        number(row.host_grad_norm, "{:.3g}"),
        name(", ".join(live)),
    ]


def _slot(slot: SlotSnapshot) -> Cells:
    gate = f"{slot.last_gate} {'passed' if slot.last_gate_passed else 'failed'}" if slot.last_gate else DASH
    return [
        name(slot.slot),
        name(slot.stage.lower()),
        counted(slot.epochs_in_stage, "epoch"),
        name(slot.blueprint),
        number(slot.seed_params, "{:,}"),
        number(slot.alpha, "{:.2f}"),
        number(slot.counterfactual_contribution, "{:+.2f}"),
        number(slot.total_improvement, "{:+.2f}"),
        name(f"{gate}: {slot.last_gate_reason}" if slot.last_gate_reason else gate),
    ]


def _lines(left: Sequence[str], right: Sequence[str], wide: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    return iter(text_lines(filled_table(None, left, right, wide, rows)))
