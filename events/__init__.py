"""What happened? Every kind of event, by the name that a trainer emits it under, and the `Event` that it travels in.

A kind is one class in the file of its subject. Codec, JSON Schema and the vocabularies that floors share lie here too.
"""

from nissa.events import kinds
from nissa.events.kinds import *  # noqa: F403

__all__: list[str] = []
__all__ += kinds.__all__
