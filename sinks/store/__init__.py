"""What happened in each episode? Contexts, epochs, slots and traces of a run, kept in bounded memory."""

from nissa.sinks.store.run_store import EpisodeContext, EpochSnapshot, RunStore

__all__ = ["EpisodeContext", "EpochSnapshot", "RunStore"]
