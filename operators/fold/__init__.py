"""What is an operator made of? A pure step on explicit state, which can be put aside as plain data and gone on with."""

from nissa.operators.fold.fold import EnvKey, Fold, Operator, Routed, only
from nissa.operators.fold.keyed import Keyed, merge_disjoint
from nissa.operators.fold.plain_state import UnreadableStateError

__all__ = ["EnvKey", "Fold", "Keyed", "Operator", "Routed", "UnreadableStateError", "merge_disjoint", "only"]
