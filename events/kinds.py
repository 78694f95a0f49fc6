"""Every kind of event, in one place: import from here."""

from nissa.events.diagnostics import (
    ClassesMeasured,
    ClassFigures,
    GradientsMeasured,
    LayerGradients,
    LayerWeights,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.events.foreign import ForeignEventCarried
from nissa.events.kind import KINDS, Importance, Payload
from nissa.events.lifecycle import GateCheck, GateEvaluated, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.events.policy import Action, DecisionMade, DecisionsScored, HeadDecision, HeadEntropy, PolicyUpdated
from nissa.events.run import (
    EpisodeEnded,
    EpisodeStarted,
    EventsDropped,
    Heartbeat,
    HostBaselineMeasured,
    PipelineState,
    RunEnded,
    RunStarted,
    SinkState,
)
from nissa.events.summaries import BestRun, BestRunsRanked, BlueprintSummarized, ScoreboardUpdated
from nissa.events.training import (
    BatchCompleted,
    CounterfactualMeasured,
    CounterfactualResult,
    EpochCompleted,
    PhaseTimed,
    SlotSnapshot,
)

__all__ = [
    "KINDS",
    "Action",
    "BatchCompleted",
    "BestRun",
    "BestRunsRanked",
    "BlueprintSummarized",
    "ClassFigures",
    "ClassesMeasured",
    "CounterfactualMeasured",
    "CounterfactualResult",
    "DecisionMade",
    "DecisionsScored",
    "EpisodeEnded",
    "EpisodeStarted",
    "EpochCompleted",
    "EventsDropped",
    "ForeignEventCarried",
    "GateCheck",
    "GateEvaluated",
    "GradientsMeasured",
    "HeadDecision",
    "HeadEntropy",
    "Heartbeat",
    "HostBaselineMeasured",
    "Importance",
    "LayerGradients",
    "LayerWeights",
    "Payload",
    "PhaseTimed",
    "PipelineState",
    "PolicyUpdated",
    "RunEnded",
    "RunStarted",
    "ScoreboardUpdated",
    "SeedCulled",
    "SeedFossilized",
    "SeedGerminated",
    "SharpnessMeasured",
    "SinkState",
    "SlotSnapshot",
    "StageChanged",
    "WeightsMeasured",
]
