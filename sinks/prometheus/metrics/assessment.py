"""How healthy is each network, and what is it worth to look at? Assessments, features, and what is measured at all."""

from collections.abc import Collection, Iterator

from nissa.events.event import Event
from nissa.events.kinds import EpochAssessed, FeaturesComputed, ProbesConfigured
from nissa.events.vocabulary import COMPLAINTS, FLAGS, OPPORTUNITIES
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics

__all__ = ["GAUGES", "METRICS"]

_HEALTH: Rows = {
    "nissa_health_ratio": (
        "ratio",
        "Share of measured layers with which nothing is wrong, 0 to 1; 0 if anything is NaN.",
    ),
    "nissa_plateau_epochs": ("epochs", "Epochs since the validation accuracy last rose by half a percentage point."),
    "nissa_features": ("features", "Length of the feature vector of the last epoch."),
    "nissa_features_missing": ("features", "Features of the last epoch that were not measured in it."),
}
_FLAG: Rows = {"nissa_red_flag": ("1", "1 while this is wrong with the network, 0 while it is not.")}
_OPPORTUNITY: Rows = {"nissa_opportunity": ("1", "1 while this could be done with the network, 0 while not.")}
_COMPLAINT: Rows = {"nissa_layers_with_complaint": ("layers", "Layers with which this is wrong.")}
_PROFILE: Rows = {"nissa_profile_info": ("1", "Always 1: the profile that the probes' configuration began from.")}

METRICS = (
    *metrics("gauge", ENV, _HEALTH),
    *metrics("gauge", (*ENV, "flag"), _FLAG),
    *metrics("gauge", (*ENV, "opportunity"), _OPPORTUNITY),
    *metrics("gauge", (*ENV, "complaint"), _COMPLAINT),
    *metrics("gauge", (*ENV, "profile"), _PROFILE),
)


def _assessed(at: Labels, event: Event[EpochAssessed]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_health_ratio", at, row.health
    yield "nissa_plateau_epochs", at, row.plateau_epochs
    yield from _raised("nissa_red_flag", at, FLAGS, row.red_flags)
    yield from _raised("nissa_opportunity", at, OPPORTUNITIES, row.opportunities)
    for complaint in (*COMPLAINTS, *row.complaints):
        yield "nissa_layers_with_complaint", (*at, complaint), len(row.complaints.get(complaint, ()))


def _raised(name: str, at: Labels, known: Collection[str], raised: Collection[str]) -> Iterator[Sample]:
    for flag in (*known, *raised):
        yield name, (*at, flag), flag in raised


def _features(at: Labels, event: Event[FeaturesComputed]) -> Iterator[Sample]:
    yield "nissa_features", at, len(event.payload.values)
    yield "nissa_features_missing", at, event.payload.missing


def _profile(at: Labels, event: Event[ProbesConfigured]) -> Iterator[Sample]:
    yield "nissa_profile_info", (*at, event.payload.profile), 1


GAUGES: Readings = {EpochAssessed: _assessed, FeaturesComputed: _features, ProbesConfigured: _profile}
