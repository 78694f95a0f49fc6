"""What happened in each episode? Contexts, epochs, counterfactuals and traces of a run, in bounded memory."""

from nissa.sinks.store.run_store import Counterfactual, EpisodeContext, EpochSnapshot, RunStore, is_meant

__all__ = ["Counterfactual", "EpisodeContext", "EpochSnapshot", "RunStore", "is_meant"]
