"""What would a person say of this network? After each epoch one line, what is wrong, and what could be done."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nissa.events.event import Event
from nissa.events.kinds import EpisodeStarted, EpochAssessed, EpochCompleted, ProbesConfigured
from nissa.operators.assessment.evidence import Seen
from nissa.operators.assessment.layer_health import Complaints, by_complaint
from nissa.operators.assessment.measurements import MEASUREMENTS, Findings, Measurement
from nissa.operators.assessment.narrative import sentences
from nissa.operators.assessment.plateau import Progress, point
from nissa.operators.assessment.red_flags import opportunities, red_flags
from nissa.operators.fold import Fold, Keyed

__all__ = ["HISTORY_LENGTH", "Network", "narrative"]

HISTORY_LENGTH = 10
"""Epochs that trends are judged over where no configuration says otherwise."""

Told = ProbesConfigured | EpisodeStarted | EpochCompleted | Measurement


@dataclass(slots=True)
class Network:
    """The network that an environment trains: how the episode went, and what was measured since its last epoch."""

    episode: int | None = None
    probes: ProbesConfigured | None = None
    progress: Progress = field(default_factory=Progress)
    findings: Findings = field(default_factory=Findings)
    before: Complaints = field(default_factory=dict)
    """What was wrong with the gradients of the last epoch."""


def narrative() -> Fold[Keyed[Network]]:
    """An assessment after each epoch, by group and environment, of what was measured in that epoch.

    Trends go back as far in the episode as the configuration of the probes says. What was measured in an earlier
    epoch is not known of this one, so it is neither wrong nor healthy.
    """
    kinds = (ProbesConfigured, EpisodeStarted, *MEASUREMENTS, EpochCompleted)
    return Fold("narrative", kinds, lambda: Keyed(Network), _step, _merge)


def _step(networks: Keyed[Network], event: Event[Told]) -> Iterator[EpochAssessed]:
    key, payload = event.scope[:3], event.payload
    network = networks[key]
    if isinstance(payload, EpisodeStarted) or event.scope.episode != network.episode:
        network = networks[key] = Network(event.scope.episode, network.probes)
    match payload:
        case ProbesConfigured():
            network.probes = payload
        case EpochCompleted():
            found, network.findings = network.findings, Findings()
            yield _assess(network, found, payload)
        case EpisodeStarted():
            pass
        case _:
            network.findings.take(payload, network.probes)


def _assess(network: Network, found: Findings, epoch: EpochCompleted) -> EpochAssessed:
    length = network.probes.history_length if network.probes else HISTORY_LENGTH
    network.progress.add(point(epoch), length)
    found.close(epoch)
    seen = Seen(epoch, network.progress, found, network.before, length)
    network.before = found.gradients
    return EpochAssessed(
        narrative=sentences(seen),
        red_flags=red_flags(seen),
        opportunities=opportunities(seen),
        health=found.health,
        complaints=by_complaint(found.sources),
        plateau_epochs=network.progress.plateau_epochs,
    )


def _merge(left: Keyed[Network], right: Keyed[Network]) -> Keyed[Network]:
    """Networks are kept whole by environment, so the parts of a stream share no key."""
    merged = Keyed(Network)
    merged.items.update(left.items)
    merged.items.update(right.items)
    return merged
