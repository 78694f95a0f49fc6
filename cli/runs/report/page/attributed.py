"""What seeds are worth to their networks, and what followed where the policy went its own way, with intervals."""

from collections.abc import Iterator, Mapping, Sequence

from nissa.cli.runs.report.page.elements import Element, tag
from nissa.cli.runs.report.page.intervals import Interval, intervals
from nissa.cli.runs.report.page.tables import table
from nissa.sinks.store import Counterfactual, RunStore
from nissa.sinks.text import DASH, Row, counted, joined, number, place

__all__ = ["attribution", "decisions"]

_NETWORKS = 16
"""Networks that are shown, those measured last."""


def attribution(store: RunStore, analytics: Sequence[Row]) -> Iterator[Element]:
    """By slot and blueprint over the environments of each group, and of each network as it was measured last."""
    for row in _of_groups(analytics):
        if told := [*map(_contribution, row["seed_contributions"])]:
            title = f"{row['group'] or 'all'}: Shapley values at an episode's end (Student's t over envs)"
            yield intervals(title, "points", told)
    last: dict[tuple[object, ...], Counterfactual] = {}
    for found in store.counterfactuals():
        if found.attributed:
            last.pop(found.where[:3], None)
            last[found.where[:3]] = found
    for found in [*last.values()][-_NETWORKS:]:
        yield _network(found)
    if last:
        yield tag(
            "p",
            "Shapley: what a seed adds to the trained network, mean over all orders of switching seeds on. "
            "CI of one network: of its validation samples.",
            class_="note",
        )


def decisions(analytics: Sequence[Row]) -> Iterator[Element]:
    """What the policy did, and what followed where the heuristic would have done something else."""
    for row in _of_groups(analytics):
        group = row["group"] or "all"
        if shares := row["action_distribution"]:
            cells = [(op, number(share, "{:.1%}")) for op, share in shares.items()]
            title = f"{group}: {counted(row['decisions'], 'decision')} by operation"
            yield table(title, ("operation", "share"), cells, (False, True))
        if told := [_compared(each) for each in row["policy_vs_heuristic"] if each.get("policy_gain_mean") is not None]:
            title = f"{group}: 5 epochs after it differed from the heuristic, against after both agreed (CI by episode)"
            yield intervals(title, "points", told)


def _of_groups(analytics: Sequence[Row]) -> list[Row]:
    return [row for row in analytics if row["env"] is None]


def _contribution(row: Mapping[str, object]) -> Interval:
    basis = f"{counted(_count(row.get('shapley_n')), 'seed')}, {counted(_count(row.get('shapley_envs')), 'env')}"
    name = joined(" in ", row.get("blueprint") or "not told", row.get("slot"))
    return Interval(name, row.get("shapley_mean"), row.get("shapley_mean_low"), row.get("shapley_mean_high"), basis)


def _compared(row: Mapping[str, object]) -> Interval:
    basis = f"{row.get('differing')} against {row.get('agreeing')} decisions"
    name = f"{row.get('policy_op')} for {row.get('heuristic_op')}"
    return Interval(name, row.get("policy_gain_mean"), row.get("policy_gain_low"), row.get("policy_gain_high"), basis)


def _network(found: Counterfactual) -> Element:
    told = found.attributed
    assert told is not None
    basis = f"{number(told.n_val, '{:,} samples', DASH)}, {counted(told.evaluations, 'result')}"
    rows = [
        Interval(
            joined(" in ", seed.blueprint or seed.seed, seed.slot),
            seed.shapley,
            seed.shapley_low,
            seed.shapley_high,
            f"{basis}{'' if seed.exact else ', some orders'}",
        )
        for seed in told.seeds
    ]
    return intervals(f"Shapley values of {place(*found.where[1:]) or 'the network'}, as measured last", "points", rows)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
