"""What were the turns of an episode? From its life-cycle events, trends and alerts; nothing is guessed."""

from collections.abc import Iterable
from itertools import groupby

from nissa.events.kinds import (
    AlertRaised,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
    TrendChanged,
)
from nissa.events.vocabulary import MARK
from nissa.sinks.data_pack.structure import KeyMoment

__all__ = ["TURNS", "key_moment", "trajectory"]

TURNS = (TrendChanged, SeedGerminated, StageChanged, SeedFossilized, SeedCulled, AlertRaised)
"""Kinds that may be turns."""


def key_moment(epoch: int | None, told: Payload) -> KeyMoment | None:
    """The turn that an event is; None where it is none: a stage other than BLENDING, or an alert that is a mark."""
    if isinstance(told, TrendChanged):
        return KeyMoment(epoch=epoch, event=told.trend)
    if isinstance(told, SeedGerminated):
        return KeyMoment(epoch=epoch, event="germinate", slot=told.slot, blueprint=told.blueprint)
    if isinstance(told, SeedFossilized | SeedCulled):
        return _end(epoch, told)
    if isinstance(told, StageChanged) and told.to_stage == "BLENDING":
        return KeyMoment(epoch=epoch, event="blend", slot=told.slot, blueprint=told.blueprint)
    if isinstance(told, AlertRaised) and told.severity != MARK:
        return KeyMoment(epoch=epoch, event="alert", alert=told.alert, severity=told.severity, what=told.what)
    return None


def trajectory(moments: Iterable[KeyMoment]) -> str:
    """The turns in order without alerts, repeats told once.

    >>> turns = ("plateau", "germinate", "alert", "germinate", "blend", "fossilize")
    >>> trajectory(KeyMoment(event=event) for event in turns)
    'plateau -> germinate -> blend -> fossilize'
    """
    return " -> ".join(event for event, _ in groupby(moment.event for moment in moments if moment.event != "alert"))


def _end(epoch: int | None, seed: SeedFossilized | SeedCulled) -> KeyMoment:
    return KeyMoment(
        epoch=epoch,
        event="fossilize" if isinstance(seed, SeedFossilized) else "cull",
        slot=seed.slot,
        blueprint=seed.blueprint,
        initiator=seed.initiator if isinstance(seed, SeedCulled) else None,
        improvement=seed.improvement,
        ablation=seed.ablation,
    )
