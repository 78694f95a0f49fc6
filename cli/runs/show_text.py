"""Episodes, epochs and slots of a recorded run as text, as far as they were told."""

from collections.abc import Iterator, Sequence
from typing import Any

from nissa.events.kinds import RunStarted, SlotSnapshot
from nissa.sinks.store import EpisodeContext, EpochSnapshot

__all__ = ["episode_lines", "epoch_lines", "run_lines", "slot_lines"]

_EPISODE = ("group", "env", "episode", "policy", "seed", "host alone", "final acc", "reward", "growth", "outcome")
_EPOCH = ("group", "env", "episode", "epoch", "train loss", "val loss", "val acc", "params", "host grad", "seeds")
_SLOT = ("slot", "stage", "for", "blueprint", "params", "alpha", "contribution", "total", "last gate")


def run_lines(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """What it takes to train the runs of these episodes again."""
    runs: list[RunStarted] = []
    for context in contexts:
        if context.run is not None and context.run not in runs:
            runs.append(context.run)
            yield from _run(context.where.run, context.run)


def episode_lines(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """A row for each episode, beside the same host trained alone."""
    return _table(_EPISODE, [_episode(context) for context in contexts])


def epoch_lines(snapshots: Sequence[EpochSnapshot]) -> Iterator[str]:
    """A row for each epoch."""
    return _table(_EPOCH, [_epoch(snapshot) for snapshot in snapshots])


def slot_lines(snapshot: EpochSnapshot) -> Iterator[str]:
    """What was said of an epoch, and a row for each slot of the host after it."""
    if snapshot.assessed is not None:
        yield snapshot.assessed.narrative
        if snapshot.assessed.red_flags:
            yield f"red flags: {', '.join(snapshot.assessed.red_flags)}"
    if snapshot.completed.slots:
        yield from _table(_SLOT, [_slot(slot) for slot in snapshot.completed.slots])


def _run(name: str, run: RunStarted) -> Iterator[str]:
    versions = ", ".join(f"{library} {version}" for library, version in run.versions.items())
    host = f"{run.host_architecture or '-'}, {run.host_params:,} params, slots {', '.join(run.slot_config) or '-'}"
    yield f"{name}: seed {run.base_seed}, commit {run.git_commit or '-'}, {run.task_type}, {run.max_epochs} epochs"
    yield f"  host {host}; {versions or 'versions not told'}"


def _episode(context: EpisodeContext) -> list[str]:
    started, baseline, ended = context.started, context.baseline, context.ended
    return [
        *_where(context.where[1:4]),
        started.policy if started else "-",
        _form(started.torch_seed if started else None, "{}"),
        _form(baseline.final_accuracy if baseline else None, "{:.2f}%"),
        _form(ended.final_accuracy if ended else None, "{:.2f}%"),
        _form(ended.total_reward if ended else None, "{:+.2f}"),
        _form(ended.growth_ratio if ended else None, "{:.2f}x"),
        ended.outcome if ended else "no end told",
    ]


def _epoch(snapshot: EpochSnapshot) -> list[str]:
    row = snapshot.completed
    live = [f"{slot.slot} {slot.stage.lower()}" for slot in row.slots if slot.stage != "DORMANT"]
    return [
        *_where(snapshot.where[1:5]),
        _form(row.train_loss, "{:.4g}"),
        _form(row.val_loss, "{:.4g}"),
        _form(row.val_accuracy, "{:.2f}%"),
        _form(row.total_params, "{:,}"),
        _form(row.host_grad_norm, "{:.3g}"),
        ", ".join(live) or "-",
    ]


def _slot(slot: SlotSnapshot) -> list[str]:
    gate = "-" if slot.last_gate is None else f"{slot.last_gate} {'passed' if slot.last_gate_passed else 'failed'}"
    return [
        slot.slot,
        slot.stage.lower(),
        f"{slot.epochs_in_stage} epochs",
        slot.blueprint or "-",
        _form(slot.seed_params, "{:,}"),
        _form(slot.alpha, "{:.2f}"),
        _form(slot.counterfactual_contribution, "{:+.2f}"),
        _form(slot.total_improvement, "{:+.2f}"),
        f"{gate}: {slot.last_gate_reason}" if slot.last_gate_reason else gate,
    ]


def _where(values: Sequence[Any]) -> list[str]:
    return ["-" if value is None else str(value) for value in values]


def _form(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _table(head: Sequence[str], rows: list[list[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
