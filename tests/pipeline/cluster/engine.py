"""What Flink does, as plain Python: of a run it keeps two values and what came out, and a failure puts both back.

With `keeps_place=False` it loses the place, as a job would that left it out of its state.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.visit import Looked, Visitor

__all__ = ["Engine"]


@dataclass
class Kept:
    place: dict[str, bytes] = field(default_factory=dict)
    state: dict[str, bytes] = field(default_factory=dict)
    out: list[Looked] = field(default_factory=list)


class Engine:
    def __init__(self, logs: Path, most: int, *, keeps_place: bool = True) -> None:
        self.logs, self.most, self.keeps_place = logs, most, keeps_place
        self.now, self.checkpointed = Kept(), Kept()
        self.visitor = Visitor(logs, most)

    def look(self, run: str) -> bool:
        """One look; whether anything was new."""
        looked = self.visitor.look(run, Place.load(self.now.place.get(run)), lambda: self.now.state.get(run))
        if looked is None:
            return False
        self.now.place[run] = looked.place.dump()
        if looked.place.freed:
            self.now.state.pop(run, None)
        elif looked.state:
            self.now.state[run] = looked.state
        self.now.out.append(looked)
        return True

    def look_all(self, run: str) -> None:
        while self.look(run):
            pass

    def checkpoint(self) -> None:
        self.checkpointed = deepcopy(self.now)

    def fail(self, *, worker: bool) -> None:
        """Everything is as it was at the checkpoint; a worker that lives on still holds what it held."""
        self.now = deepcopy(self.checkpointed)
        if not self.keeps_place:
            self.now.place.clear()
        if worker:
            self.visitor = Visitor(self.logs, self.most)

    def derived(self) -> list[bytes]:
        return [line for looked in self.now.out for line in looked.derived]

    def told(self, side: str) -> list[bytes]:
        return [line for looked in self.now.out for line in getattr(looked, side)]
