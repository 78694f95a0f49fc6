"""Episodes, epochs and slots of a recorded run as text, as far as they were told."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from nissa.events.kinds import RunStarted, SlotSnapshot
from nissa.sinks.store import EpisodeContext, EpochSnapshot
from nissa.sinks.text import DASH, name, number, place_cells, table, text_lines

__all__ = ["episode_lines", "epoch_lines", "run_lines", "slot_lines"]

Cells = list[Text | str]


def run_lines(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """What it takes to train the runs of these episodes again."""
    runs: list[RunStarted] = []
    for context in contexts:
        if context.run is not None and context.run not in runs:
            runs.append(context.run)
            yield from _run(context.where.run, context.run)


def episode_lines(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """A row for each episode, beside the same host trained alone."""
    left = ("group", "env", "episode", "policy")
    right = ("seed", "host alone", "final acc", "reward", "growth")
    return _lines(left, right, ("outcome",), map(_episode, contexts))


def epoch_lines(snapshots: Sequence[EpochSnapshot]) -> Iterator[str]:
    """A row for each epoch."""
    left = ("group", "env", "episode", "epoch")
    right = ("train loss", "val loss", "val acc", "params", "host grad")
    return _lines(left, right, ("seeds",), map(_epoch, snapshots))


def slot_lines(snapshot: EpochSnapshot) -> Iterator[str]:
    """What was said of an epoch, and a row for each slot of the host after it."""
    if snapshot.assessed is not None:
        yield snapshot.assessed.narrative
        if snapshot.assessed.red_flags:
            yield f"red flags: {', '.join(snapshot.assessed.red_flags)}"
    if snapshot.completed.slots:
        left, right = ("slot", "stage", "for", "blueprint"), ("params", "alpha", "contribution", "total")
        yield from _lines(left, right, ("last gate",), map(_slot, snapshot.completed.slots))


def _run(name: str, run: RunStarted) -> Iterator[str]:
    versions = ", ".join(f"{library} {version}" for library, version in run.versions.items())
    host = f"{run.host_architecture or DASH}, {run.host_params:,} params, slots {', '.join(run.slot_config) or DASH}"
    yield f"{name}: seed {run.base_seed}, commit {run.git_commit or DASH}, {run.task_type}, {run.max_epochs} epochs"
    yield f"  host {host}; {versions or 'versions not told'}"


def _episode(context: EpisodeContext) -> Cells:
    started, baseline, ended = context.started, context.baseline, context.ended
    return [
        *place_cells(*context.where[1:4]),
        name(started.policy if started else None),
        number(started and started.torch_seed, "{}"),
        number(baseline and baseline.final_accuracy, "{:.2f}%"),
        number(ended and ended.final_accuracy, "{:.2f}%"),
        number(ended and ended.total_reward, "{:+.2f}"),
        number(ended and ended.growth_ratio, "{:.2f}x"),
        name(ended.outcome if ended else "no end told"),
    ]


def _epoch(snapshot: EpochSnapshot) -> Cells:
    row = snapshot.completed
    live = [f"{slot.slot} {slot.stage.lower()}" for slot in row.slots if slot.stage != "DORMANT"]
    return [
        *place_cells(*snapshot.where[1:5]),
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
        f"{slot.epochs_in_stage} epochs",
        name(slot.blueprint),
        number(slot.seed_params, "{:,}"),
        number(slot.alpha, "{:.2f}"),
        number(slot.counterfactual_contribution, "{:+.2f}"),
        number(slot.total_improvement, "{:+.2f}"),
        name(f"{gate}: {slot.last_gate_reason}" if slot.last_gate_reason else gate),
    ]


def _lines(left: Sequence[str], right: Sequence[str], wide: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    shown = table(None, left, right, wide)
    for row in rows:
        shown.add_row(*row)
    return iter(text_lines(shown))
