"""Why was it decided so, and was that right? Of each decision its evidence, and what came of it."""

from nissa.operators.decisions.decisions import explain_decisions

__all__ = ["explain_decisions"]
