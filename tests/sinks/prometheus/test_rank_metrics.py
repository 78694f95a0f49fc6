"""The ranks of a job as metrics: by rank as of the last comparison, and of the job; of very many, those that matter."""

from nissa.events.event import Event, Scope
from nissa.events.kinds import RankFigures, RanksCompared
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.metrics.ranks import MOST
from tests.operators.ranks.jobs import by_time, derived, job


def shown(sink: PrometheusSink, name: str) -> dict[str, float]:
    """By rank, or "" for the job."""
    samples = (sample for family in sink.collect() for sample in family.samples)
    return {sample.labels.get("rank", ""): sample.value for sample in samples if sample.name == name}


def told(payloads: list[RanksCompared]) -> PrometheusSink:
    sink = PrometheusSink()
    for seq, payload in enumerate(payloads):
        sink(Event(seq, 0.0, Scope("x", None, 0), payload))
    return sink


def test_ranks_are_shown_as_of_the_last_comparison_and_steps_add_up() -> None:
    rows = [row for row in derived(by_time(job(3))) if isinstance(row, RanksCompared)]
    sink = told(rows)
    assert shown(sink, "nissa_rank_loss") == {str(rank.rank): rank.loss for rank in rows[-1].ranks}
    assert shown(sink, "nissa_rank_own_seconds") == {str(rank.rank): rank.own_seconds for rank in rows[-1].ranks}
    assert shown(sink, "nissa_job_loss") == {"": rows[-1].loss}
    assert shown(sink, "nissa_job_ranks") == {"": 3}
    assert shown(sink, "nissa_job_steps_total") == {"": 30}
    assert shown(sink, "nissa_rank_alerts") == {"0": 0, "1": 0, "2": 0}


def test_of_very_many_ranks_those_with_alerts_and_the_slowest_are_shown() -> None:
    ranks = [RankFigures(rank=n, steps=1, own_seconds=n / 1000) for n in range(512)]
    ranks[3] = RankFigures(rank=3, steps=1, own_seconds=0.0, alerts=["rank_diverged"])
    compared = RanksCompared(steps=1, incomplete=0, timed_out=0, late=0, world_size=512, ranks=ranks)
    found = shown(told([compared]), "nissa_rank_alerts")
    assert found == {"3": 1} | {str(n): 0 for n in range(512 - MOST + 1, 512)}


def test_alerts_of_ranks_are_zero_before_they_first_happen() -> None:
    rows = [row for row in derived(by_time(job(2))) if isinstance(row, RanksCompared)]
    samples = (sample for family in told(rows).collect() for sample in family.samples)
    found = {sample.labels["alert"]: sample.value for sample in samples if sample.name == "nissa_alerts_total"}
    assert found == {"rank_straggler": 0, "rank_diverged": 0, "rank_silent": 0}
