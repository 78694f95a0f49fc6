"""What has grown in each environment? Totals over the run, and the size and cost of the model it trains now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    EpisodeStarted,
    RunStarted,
    ScoreboardUpdated,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.growth.host_sizes import HostSizes
from nissa.operators.growth.model_size import COMPUTE_MULTIPLIERS, compute_cost, growth_ratio

__all__ = ["Board", "Boards", "Model", "seed_scoreboard"]

Happening = RunStarted | EpisodeStarted | SeedGerminated | SeedFossilized | SeedCulled


@dataclass(slots=True)
class Model:
    """The network of the current episode."""

    episode: int | None = None
    host_params: int | None = None
    host_flops: int | None = None
    live: dict[str, SeedGerminated] = field(default_factory=dict)
    fossilized: Counter[str] = field(default_factory=Counter)
    fossil_params: int | None = 0
    fossil_flops: list[int | None] = field(default_factory=list)

    def flops_ratio(self) -> float | None:
        """(host + fossilized operations) / host; None unless all of them were measured."""
        measured = [flops for flops in self.fossil_flops if flops is not None]
        if not self.host_flops or len(measured) < len(self.fossil_flops):
            return None
        return (self.host_flops + sum(measured)) / self.host_flops


@dataclass(slots=True)
class Board:
    """One environment."""

    germinated: int = 0
    fossilized: int = 0
    culled: int = 0
    orphans: int = 0
    params_added: int | None = 0
    by_blueprint: Counter[str] = field(default_factory=Counter)
    model: Model = field(default_factory=Model)
    before: Model = field(default_factory=Model)
    """That of the episode before, of which something may still be told."""


@dataclass(slots=True)
class Boards:
    """All environments, and the sizes that runs told for all of theirs."""

    boards: Keyed[Board] = field(default_factory=lambda: Keyed(Board))
    sizes: HostSizes = field(default_factory=HostSizes)


def seed_scoreboard(multipliers: Mapping[str, float] = COMPUTE_MULTIPLIERS) -> Fold[Boards]:
    """An updated row for each episode that starts and each seed that germinates or ends, by group and environment.

    Growth and compute cost are of the network that would be kept now: the host and its fossilized seeds, and not those
    that are still live. A fossilized seed that names no blueprint has that of its germination.

    Raises ValueError on a multiplier below 1.
    """
    if low := {name: factor for name, factor in multipliers.items() if factor < 1}:
        raise ValueError(f"compute multipliers must be at least 1, but {low}")
    kinds = (RunStarted, EpisodeStarted, SeedGerminated, SeedFossilized, SeedCulled)
    return Fold("seed_scoreboard", kinds, Boards, partial(_step, multipliers), _merge)


def _step(multipliers: Mapping[str, float], state: Boards, event: Event[Happening]) -> Iterator[ScoreboardUpdated]:
    if isinstance(event.payload, RunStarted):
        state.sizes.note(event.scope, event.payload.host_params)
        return
    board = state.boards[event.scope.run, event.scope.group, event.scope.env]
    late = event.scope.episode == board.before.episode and not isinstance(event.payload, EpisodeStarted)
    if event.scope.episode != board.model.episode and not late:
        # A host whose start was not seen is taken to be as large as the last one; its seeds are gone.
        board.before = board.model
        board.model = Model(event.scope.episode, board.model.host_params, board.model.host_flops)
    model = board.model if event.scope.episode == board.model.episode else board.before
    if model.host_params is None:
        model.host_params = state.sizes.of(event.scope)
    match event.payload:
        case EpisodeStarted(host_params=params, host_flops=flops):
            model.host_flops = flops
            if params is not None:
                model.host_params = int(params)
        case SeedGerminated() as seed:
            board.germinated += 1
            model.live[seed.slot] = seed
        case SeedFossilized() | SeedCulled() as seed:
            _end(board, model, seed)
    yield _row(event.scope, board, multipliers)


def _end(board: Board, model: Model, seed: SeedFossilized | SeedCulled) -> None:
    born = model.live.get(seed.slot)
    if born is None or (seed.seed is not None and born.seed != seed.seed):
        board.orphans += 1
        born = None
    else:
        del model.live[seed.slot]
    if isinstance(seed, SeedCulled):
        board.culled += 1
        return
    blueprint = seed.blueprint or (born.blueprint if born else None) or "unknown"
    board.fossilized += 1
    board.params_added = _sum(board.params_added, seed.params_added)
    board.by_blueprint[blueprint] += 1
    model.fossilized[blueprint] += 1
    model.fossil_params = _sum(model.fossil_params, seed.params_added)
    model.fossil_flops.append(born.flops if born else None)


def _sum(so_far: int | None, more: int | None) -> int | None:
    """None once a part of it is not known."""
    return None if so_far is None or more is None else so_far + int(more)


def _row(scope: Scope, board: Board, multipliers: Mapping[str, float]) -> ScoreboardUpdated:
    model = board.model
    return ScoreboardUpdated(
        group=scope.group,
        env=scope.env,
        germinated=board.germinated,
        fossilized=board.fossilized,
        culled=board.culled,
        orphans=board.orphans,
        params_added=board.params_added,
        fossilized_by_blueprint=dict(board.by_blueprint),
        host_params=model.host_params,
        live_blueprints={slot: seed.blueprint for slot, seed in model.live.items()},
        growth_ratio=growth_ratio(model.host_params, model.fossil_params),
        compute_cost=compute_cost(model.fossilized, multipliers),
        flops_ratio=model.flops_ratio(),
    )


def _merge(left: Boards, right: Boards) -> Boards:
    return Boards(merge_disjoint(left.boards, right.boards), left.sizes.merge(right.sizes))
