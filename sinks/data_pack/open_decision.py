"""A decision while its episode is told: it is explained at once, judged epochs later, and scored after the end."""

from dataclasses import dataclass

from nissa.events.kinds import DecisionExplained, DecisionJudged, DecisionMade
from nissa.sinks.data_pack.structure import Carried, Decision, Observation

__all__ = ["OpenDecision"]


@dataclass(slots=True)
class OpenDecision:
    """A decision, and what is told of it later."""

    epoch: int | None
    made: DecisionMade
    features: list[float | None]
    context: DecisionExplained | None = None
    hindsight: DecisionJudged | None = None
    advantage: float | None = None
    returns: float | None = None

    def closed(self, features: int) -> Decision:
        """As it is written, with a vector of so many features."""
        made, known = self.made, self.features or [None] * features
        return Decision(
            epoch=self.epoch,
            observation=Observation(features=known, policy_vector=made.observation),
            action=_carried(made),
            decision_context=self.context,
            hindsight=self.hindsight,
            reward=made.reward,
            reward_components=made.reward_components,
            accuracy_delta=made.accuracy_delta,
            advantage=self.advantage,
            returns=self.returns,
        )


def _carried(made: DecisionMade) -> Carried:
    action = made.action
    return Carried(
        op=action.op,
        slot=action.slot,
        blueprint=action.blueprint,
        blend=action.blend,
        executed=made.executed,
        refused_by=made.refused_by,
        masked=made.masked,
        heuristic=made.heuristic,
        value=made.value,
        heads=made.heads,
    )
