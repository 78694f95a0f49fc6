"""What would a person say of this network? After each epoch one line, what is wrong, and what could be done."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nissa.events.event import Event
from nissa.events.kinds import EpisodeStarted, EpochAssessed, EpochCompleted, GradientsMeasured, ProbesConfigured
from nissa.operators.assessment.evidence import EpochEvidence
from nissa.operators.assessment.layer_health import Complaints, by_complaint
from nissa.operators.assessment.learning import Learning
from nissa.operators.assessment.measurements import MEASUREMENTS, EpochMeasurements, Measurement
from nissa.operators.assessment.narrative import sentences
from nissa.operators.assessment.plateau import RECENT, Progress, point
from nissa.operators.assessment.red_flags import opportunities, raised_flags
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.overflow import Overflow

__all__ = ["HISTORY_LENGTH", "Network", "assess_epochs"]

_Input = ProbesConfigured | EpisodeStarted | EpochCompleted | Measurement
HISTORY_LENGTH = 10
"""Epochs that the narrative's figures go back by where no configuration says otherwise."""


@dataclass(slots=True)
class Network:
    """The network that an environment trains: how the episode went, and what was measured since its last epoch."""

    episode: int | None = None
    probes: ProbesConfigured | None = None
    progress: Progress = field(default_factory=Progress)
    curves: Learning = field(default_factory=Learning)
    measured: EpochMeasurements = field(default_factory=EpochMeasurements)
    before: Complaints = field(default_factory=dict)
    """What was wrong with the gradients in the last epoch in which they were measured."""
    overflow: Overflow = field(default_factory=Overflow)
    """Gradients that are not finite, for how long."""


def assess_epochs() -> Fold[Keyed[Network]]:
    """An assessment after each epoch, by group and environment, of what was measured in that epoch.

    What was measured in an earlier epoch is not known of this one, so it is neither wrong nor healthy. How it learns is
    judged alike whatever is measured; the configuration says how far back the narrative's figures go.
    """
    kinds = (ProbesConfigured, EpisodeStarted, *MEASUREMENTS, EpochCompleted)
    return Fold("narrative", kinds, lambda: Keyed(Network), _step, merge_disjoint)


def _step(networks: Keyed[Network], event: Event[_Input]) -> Iterator[EpochAssessed]:
    key, payload = event.scope[:3], event.payload
    network = networks[key]
    if isinstance(payload, EpisodeStarted) or event.scope.episode != network.episode:
        network = networks[key] = Network(event.scope.episode, network.probes)
    match payload:
        case ProbesConfigured():
            network.probes = payload
        case EpochCompleted():
            found, network.measured = network.measured, EpochMeasurements()
            yield _assess(network, found, payload, event.scope.epoch)
        case EpisodeStarted():
            pass
        case _:
            network.measured.take(payload, network.probes)
            if isinstance(payload, GradientsMeasured):
                broken = not network.measured.is_whole
                network.measured.lasted |= network.overflow.look(broken, event.scope.epoch, payload.batch)


def _assess(network: Network, found: EpochMeasurements, epoch: EpochCompleted, number: int | None) -> EpochAssessed:
    length = network.probes.history_length if network.probes else HISTORY_LENGTH
    progress, now, gradients = network.progress, point(epoch), found.gradients
    # The mean that the history begins with is of epochs before it.
    progress.add(number, now, max(length, RECENT) + network.curves.loss.window)
    network.curves.add(progress.epoch, epoch, now)
    found.close(epoch, network.before)
    network.before = gradients or network.before
    evidence = EpochEvidence(epoch, progress, network.curves, found, length)
    return EpochAssessed(
        narrative=sentences(evidence),
        red_flags=raised_flags(evidence),
        opportunities=opportunities(evidence),
        learning=evidence.learning,
        health=found.health,
        complaints=by_complaint(found.sources),
        plateau_epochs=progress.plateau_epochs,
    )
