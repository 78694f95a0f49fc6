"""What does a panel say where it has nothing to show? In a word, what of a run would have fed it.

>>> unfed(['rate(nissa_slot_alpha_ratio{run=~"$run"}[1m])']), unfed(["nissa_policy_loss{}"]), unfed(["vector(1)"])
('no seeds, or not told', 'no policy, or not told', 'not told')
"""

import re
from collections.abc import Iterable, Mapping

from nissa.events import kinds
from nissa.sinks.prometheus import METRICS, SOURCES

__all__ = ["EMPTY", "unfed", "unfed_cell"]

EMPTY = "-"
"""In a table, where there is no more to say."""

_NO_RUN, _NONE_NOW, _YET = "no run", "no run goes on", "not told yet"
_NO_EPOCH, _NO_ALERT = "no epoch has ended", "no alert was raised"
_NO_SEEDS, _NO_POLICY, _NO_TWIN = "no seeds, or not told", "no policy, or not told", "no host alone"
_NO_RANKS = "no job of ranks"
_NOT_PROBED = "not measured: no watch, or not in its profile"
_TOLD = "not told"
"""Of what a trainer tells or leaves out, as it likes."""
_CELLS = {_NO_SEEDS: "no seeds", _NOT_PROBED: "not measured"}
"""What has room in a cell, and is true of a row whatever its run has."""

_OF_SEEDS = {"slot", "blueprint", "stage", "gate"}
"""Labels of what only a network with seeds has."""
_WORDS: Mapping[str, tuple[type, ...]] = {
    "no start of a run was told": (kinds.RunStarted,),
    _YET: (kinds.Heartbeat, kinds.PipelineState),
    _NO_SEEDS: (
        kinds.ScoreboardUpdated,
        kinds.BlueprintSummarized,
        kinds.SeedsAttributed,
        kinds.CounterfactualMeasured,
    ),
    _NO_POLICY: (kinds.PolicyUpdated, kinds.DecisionMade, kinds.DecisionsScored),
    _NO_TWIN: (kinds.VerdictReached, kinds.HostAloneTrained, kinds.HostBaselineMeasured),
    "no accuracy at the end of an episode": (kinds.BestRunsRanked, kinds.EpisodeCompared),
    "not told at the end of an episode": (kinds.EpisodeEnded,),
    _NO_EPOCH: (kinds.EpochAssessed,),
    _NOT_PROBED: (
        kinds.GradientsMeasured,
        kinds.WeightsMeasured,
        kinds.ActivationsMeasured,
        kinds.ClassesMeasured,
        kinds.SharpnessMeasured,
        kinds.MemoryMeasured,
    ),
    "not measured: no watch": (kinds.ProbesConfigured,),
    "not measured: no watch, or no data loader": (kinds.ThroughputMeasured,),
    "no phase was timed": (kinds.PhaseTimed,),
    "no trace closed": (kinds.DenseTraceCaptured,),
    _NO_ALERT: (kinds.AlertRaised,),
    "no change of direction": (kinds.TrendChanged,),
}
"""By the kinds of events that feed a metric; else it is one that the trainer may tell."""
_OF_METRICS: Mapping[str, str] = {
    "nissa_isolation_": "no seed is isolated",
    "nissa_episode_twin_": _NO_TWIN,
    "nissa_baseline_": _NO_TWIN,
    "nissa_analytics_kept_": _NO_TWIN,
    "nissa_analytics_final_": _NO_TWIN,
    "nissa_analytics_ablation_": _NO_SEEDS,
    "nissa_policy_": _NO_POLICY,
    "nissa_plateau_epochs": "no accuracy was told",
    "nissa_health_ratio": _NOT_PROBED,
    "nissa_layers_with_complaint": _NOT_PROBED,
    "nissa_measured_epoch": _NOT_PROBED,
    "nissa_dense_epochs_total": _NO_EPOCH,
    "nissa_epochs_total": _NO_EPOCH,
    "nissa_scrape": _YET,
    "nissa_label_sets_": _YET,
    "nissa_events_total": _NO_RUN,
    "nissa_fidelity_level": _NO_RUN,
    "nissa_run_last_event_": _NONE_NOW,
    "nissa_run_heartbeat_": _NONE_NOW,
    "nissa_alert_active": _NO_ALERT,
    "nissa_cluster_": "no cluster is watched",
    "nissa_rank_": _NO_RANKS,
    "nissa_job_": _NO_RANKS,
}
"""By the beginnings of their names, where the kind says too little."""
_NAME = re.compile(r"\bnissa_[a-z_]+")
_BY_KIND = {kind: word for word, fed in _WORDS.items() for kind in fed}


def unfed(exprs: Iterable[str]) -> str:
    """The word for what these queries ask for, by the metric that the first of them names first."""
    named = _NAME.search(" ".join(exprs))
    name = re.sub(r"_(bucket|sum|count)$", "", named[0]) if named else ""
    if name not in METRICS:
        return _TOLD
    if _OF_SEEDS & {*METRICS[name].labels}:
        return _NO_SEEDS
    for beginning, word in _OF_METRICS.items():
        if name.startswith(beginning):
            return word
    return _BY_KIND.get(SOURCES[name], _TOLD)


def unfed_cell(expr: str, table: str) -> str:
    """The same for a cell; where a row is there, what the whole `table` is of has been told."""
    word = unfed([expr])
    return EMPTY if word == table else _CELLS.get(word, EMPTY)
