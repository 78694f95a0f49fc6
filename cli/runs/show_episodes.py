"""The runs and episodes of a recorded run as text, as far as they were told."""

from collections.abc import Iterable, Iterator, Sequence

from nissa.events.kinds import RunStarted
from nissa.sinks.console import injected_text
from nissa.sinks.store import EpisodeContext
from nissa.sinks.text import (
    DASH,
    Cells,
    NarrowingTable,
    Row,
    counted,
    filled_table,
    joined,
    name,
    number,
    place_cells,
    text_lines,
)

__all__ = ["episode_lines", "episode_notes", "episode_table", "run_lines"]


def run_lines(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """What it takes to train the runs of these episodes again."""
    runs: list[RunStarted] = []
    for context in contexts:
        if context.run is not None and context.run not in runs:
            runs.append(context.run)
            yield from _run(context.where.run, context.run)


def episode_lines(contexts: Sequence[EpisodeContext], compared: Iterable[Row]) -> Iterator[str]:
    """A row for each episode, and what its words mean."""
    yield from text_lines(episode_table(contexts, compared))
    yield from episode_notes(contexts)


def episode_table(contexts: Sequence[EpisodeContext], compared: Iterable[Row]) -> NarrowingTable:
    """A row for each episode: the network that is kept, the same as it was trained, and the host trained alone.

    `compared` are the rows of "episodes".
    """
    twins = {_place(row): row["twin_final_accuracy"] for row in compared}
    left, wide = ("group", "env", "episode", "policy"), ("outcome",)
    right = ("torch seed", "epochs", "kept acc", "kept growth", "final acc", "final growth", "twin acc", "reward")
    return filled_table(None, left, right, wide, (_episode(row, twins.get(row.where[:4])) for row in contexts))


def episode_notes(contexts: Sequence[EpisodeContext]) -> Iterator[str]:
    """What the words of that table mean, and how many episodes did not end."""
    if any(context.ended and context.ended.kept_accuracy is not None for context in contexts):
        yield "kept: without the seeds that did not fossilize; final: as trained, with all of them."
    if any(context.baseline for context in contexts):
        yield "twin: the same host alone, trained as long, or for the epochs in brackets."
    if unended := sum(context.ended is None for context in contexts):
        yield f"{unended:,} of {counted(len(contexts), 'episode')} did not end."


def _run(name: str, run: RunStarted) -> Iterator[str]:
    versions = ", ".join(f"{library} {version}" for library, version in run.versions.items())
    slots = ", ".join(map(str, run.slot_config)) or DASH
    host = f"{run.host_architecture or DASH}, {number(run.host_params, '{:,} params')}, slots {slots}"
    what = f"commit {run.git_commit or DASH}, {run.task_type or 'task not told'}, {counted(run.max_epochs, 'epoch')}"
    yield joined("; ", f"{name}: seed {number(run.base_seed, '{}')}, {what}", injected_text(run))
    yield f"  host {host}; {versions or 'versions not told'}"
    yield f"  numerics: {', '.join(f'{fact} {value}' for fact, value in run.numerics.items()) or 'not told'}"


def _episode(context: EpisodeContext, twin: float | str | None) -> Cells:
    started, ended = context.started, context.ended
    return [
        *place_cells(context.where.group, context.where.env, context.where.episode),
        name(started.policy if started else None),
        number(started and started.torch_seed, "{}"),
        number(ended and ended.epochs, "{}"),
        number(ended and ended.kept_accuracy, "{:.2f}%"),
        number(ended and ended.growth_ratio, "{:.2f}x"),
        number(ended and ended.final_accuracy, "{:.2f}%"),
        number(ended and ended.final_growth_ratio, "{:.2f}x"),
        _twin(context) if twin is None else number(twin, "{:.2f}%"),
        number(ended and ended.total_reward, "{:+.2f}"),
        name(ended.outcome if ended else "did not end"),
    ]


def _twin(context: EpisodeContext) -> str:
    """The host alone at its own end, and when that was if it is another epoch than the episode's last."""
    baseline, ended = context.baseline, context.ended
    if baseline is None:
        return DASH
    alike = ended is not None and ended.epochs == baseline.epochs
    length = "" if alike else f" ({counted(baseline.epochs, 'epoch')})"
    return f"{number(baseline.final_accuracy, '{:.2f}%', number(baseline.final_loss, 'loss {:.4g}'))}{length}"


def _place(row: Row) -> tuple[object, ...]:
    return row["run"], row["group"], row["env"], row["episode"]
