"""What is in a data pack? Opened for training and for data frames, split without leaks, and checked.

It needs `pip install 'nissa[query]'`, and torch for a `dataset` alone.
"""

from nissa.pipeline.packs.checking import check_pack
from nissa.pipeline.packs.opening import Pack, open_pack

__all__ = ["Pack", "check_pack", "open_pack"]
