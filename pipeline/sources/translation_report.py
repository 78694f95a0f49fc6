"""What became of each line of another system's log?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Account"]


@dataclass(slots=True)
class Account:
    """lines = translated + carried + malformed + duplicates, always."""

    system: str
    """Whose log it is."""
    lines: int = 0
    """Lines that are not blank."""
    translated: int = 0
    """Lines that became events of a kind of Nissa's."""
    carried: int = 0
    """Lines that became events carried whole."""
    malformed: int = 0
    """Lines that are no events of that system."""
    duplicates: int = 0
    """Lines whose event was there before."""
    added: int = 0
    """Events that no line says, and that follow from one: the starts of episodes."""
    by_type: dict[str, Counter[str]] = field(default_factory=dict)
    """The translated and the carried, by type over there."""
    late: int = 0
    """Events that came live after the end, and are no lines."""
    odd: Counter[str] = field(default_factory=Counter)
    """What was out of the ordinary, and how often: why a line is malformed or was carried, and what was mended."""
    _costly: set[str] = field(default_factory=set)
    _unheard: dict[str, frozenset[str]] = field(default_factory=dict)

    def note(self, type: str, became: str, data: Mapping[str, Any]) -> None:
        """Count a line of a type that was "translated" or "carried", and see which of its fields are ever filled."""
        self.by_type.setdefault(type, Counter())[became] += 1
        unheard = self._unheard.get(type, data.keys())
        self._unheard[type] = frozenset(name for name in unheard if data.get(name) is None)

    def refuse(self, reasons: Mapping[str, int]) -> None:
        """Count lines that are no events, by reason."""
        self.malformed += sum(reasons.values())
        self.blame(reasons)

    def blame(self, reasons: Mapping[str, int]) -> None:
        """Count what was odd enough to make lines malformed, or be carried though others of their type are not."""
        self.odd.update(reasons)
        self._costly.update(reasons)

    def oddities(self) -> list[tuple[str, int]]:
        """What was odd, and how often: first what cost a line its translation, then the rest; the frequent first."""
        return sorted(self.odd.items(), key=lambda item: (item[0] not in self._costly, -item[1], item[0]))

    def nothing(self) -> str | None:
        """Why none of its lines was translated, in one line; None where one was."""
        if self.translated:
            return None
        why = next((f"; {count:,} times {what}" for what, count in self.oddities()), "")
        types = ", ".join(sorted(self.by_type, key=lambda name: -self.by_type[name].total())[:3])
        told = f"carried whole, of types without a counterpart here ({types})" if types and not why else "carried whole"
        return (
            f"nothing of it was translated: {self.carried:,} of {self.lines:,} lines of {self.system} are {told}{why}"
        )

    def summary(self) -> dict[str, Any]:
        """The counts as plain data; `null_only` are the fields that were null in every line of their type."""
        counts = ("system", "lines", "translated", "carried", "malformed", "duplicates", "added", "late")
        return {name: getattr(self, name) for name in counts} | {
            "by_type": {name: dict(count) for name, count in sorted(self.by_type.items())},
            "odd": dict(sorted(self.odd.items())),
            "null_only": {name: sorted(fields) for name, fields in sorted(self._unheard.items()) if fields},
        }
