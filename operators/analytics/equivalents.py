"""How large is a host as accurate that never grows? Each environment's own hosts tell, of its seed and data order.

A host counts that was trained for as many epochs as the twin.
"""

from collections.abc import Sequence
from math import isfinite
from statistics import fmean
from typing import NamedTuple

from nissa.events.kinds import EquivalentParams
from nissa.operators.analytics.record import HostAlone, Record
from nissa.operators.statistics import SizeCurve

__all__ = ["equivalents"]


class _Sizes(NamedTuple):
    """In parameters; None where it is not known."""

    equivalent: float | None
    own: float | None


def equivalents(records: Sequence[Record]) -> EquivalentParams:
    """Of the environments with two hosts at least; each figure is a mean over all of them, or None."""
    known = [(record, hosts) for record in records if len(hosts := _hosts(record)) > 1]
    kept, final = ([_sizes(record, hosts, which) for record, hosts in known] for which in ("kept", "final"))
    return EquivalentParams(
        kept_equivalent_params=_mean([sizes.equivalent for sizes in kept]),
        kept_params=_mean([sizes.own for sizes in kept]),
        final_equivalent_params=_mean([sizes.equivalent for sizes in final]),
        final_params=_mean([sizes.own for sizes in final]),
        curve_hosts=sum(len(hosts) for _, hosts in known),
        curve_envs=len(known),
    )


def _hosts(record: Record) -> list[tuple[float, float]]:
    """Parameters and accuracy of each, the twin's among them; none without the twin."""
    twin = record.hosts.get(1.0)
    alike = [host for host in record.hosts.values() if twin and host.epochs == twin.epochs]
    return [(host.params, host.accuracy) for host in alike if host.params and isfinite(host.accuracy)]


def _sizes(record: Record, hosts: Sequence[tuple[float, float]], which: str) -> _Sizes:
    twin, verdict = record.hosts[1.0], record.verdict
    if verdict is None:
        return _Sizes(None, None)
    kept = which == "kept"
    accuracy = verdict.kept_accuracy_mean if kept else verdict.final_accuracy_mean
    growth = verdict.growth_ratio_mean if kept else verdict.final_growth_ratio_mean
    return _Sizes(None if accuracy is None else SizeCurve.of(hosts).size_at(accuracy), _grown(twin, growth))


def _grown(twin: HostAlone, growth: float | None) -> float | None:
    return None if growth is None or twin.params is None else growth * twin.params


def _mean(sizes: Sequence[float | None]) -> int | None:
    found = [size for size in sizes if size is not None]
    return round(fmean(found)) if found and len(found) == len(sizes) else None
