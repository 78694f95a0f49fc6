"""How healthy is each network, and what is it worth to look at? Assessments, features, and what is measured at all."""

from collections.abc import Collection

from nissa.events.event import Event
from nissa.events.kinds import EpochAssessed, FeaturesComputed, ProbesConfigured
from nissa.events.vocabulary import COMPLAINTS, FLAGS, LEARNING, OPPORTUNITIES
from nissa.sinks.prometheus.lifetimes import of_episode, of_run
from nissa.sinks.prometheus.metric import ENV, Labels, gauge, one
from nissa.sinks.prometheus.rows import Row, by

__all__ = ["TABLES"]


def _flags(at: Labels, event: Event[EpochAssessed]) -> list[Row]:
    return _raised(at, FLAGS, event.payload.red_flags)


def _opportunities(at: Labels, event: Event[EpochAssessed]) -> list[Row]:
    return _raised(at, OPPORTUNITIES, event.payload.opportunities)


def _raised(at: Labels, known: Collection[str], raised: Collection[str]) -> list[Row]:
    return [((*at, name), name in raised) for name in (*known, *raised)]


def _complaints(at: Labels, event: Event[EpochAssessed]) -> list[Row]:
    layers = event.payload.complaints
    known = () if event.payload.health is None else COMPLAINTS
    return [((*at, complaint), len(layers.get(complaint, ()))) for complaint in (*known, *layers)]


def _learning(at: Labels, event: Event[EpochAssessed]) -> list[Row]:
    learning = event.payload.learning
    return [((*at, state), state == learning) for state in (*LEARNING, learning)]


TABLES = (
    of_episode(EpochAssessed, ENV)(
        nissa_health_ratio=gauge(
            "ratio", "Share of measured layers with which nothing is wrong, 0 to 1; 0 if anything is NaN.", "health"
        ),
        nissa_plateau_epochs=gauge(
            "epochs", "Epochs since the validation accuracy last rose by half a percentage point.", "plateau_epochs"
        ),
    ),
    of_episode(FeaturesComputed, ENV)(
        nissa_features=gauge(
            "features", "Length of the feature vector of the last epoch.", lambda row: len(row.values)
        ),
        nissa_features_missing=gauge("features", "Features of the last epoch that were not measured in it.", "missing"),
    ),
    of_episode(EpochAssessed, (*ENV, "state"), rows=_learning)(
        nissa_learning_state=gauge("1", "1 for how the network learns, 0 for the other ways.", float),
    ),
    of_episode(EpochAssessed, (*ENV, "flag"), rows=_flags)(
        nissa_red_flag=gauge("1", "1 while this is wrong with the network, 0 while it is not.", float),
    ),
    of_episode(EpochAssessed, (*ENV, "opportunity"), rows=_opportunities)(
        nissa_opportunity=gauge("1", "1 while this could be done with the network, 0 while not.", float),
    ),
    of_episode(EpochAssessed, (*ENV, "complaint"), rows=_complaints)(
        nissa_layers_with_complaint=gauge("layers", "Layers with which this is wrong.", float),
    ),
    of_run(ProbesConfigured, (*ENV, "profile"), rows=by("profile"))(
        nissa_profile_info=gauge("1", "Always 1: the profile that the probes' configuration began from.", one),
    ),
)
