"""The way back to the trainer, if it is on this machine: how closely to look, and how far its log was worked off."""

import time
from pathlib import Path

from nissa.events.event import Event
from nissa.events.kinds import FidelityChanged, OverheadGoverned
from nissa.events.vocabulary import Fidelity
from nissa.pipeline.collector.control import CONTROL, Control
from nissa.pipeline.hub import FidelityFollower

__all__ = ["WayBack"]


class WayBack:
    """A consumer of events that tells the trainer. A change that is long past is told when what stands now is known."""

    kinds = (FidelityChanged, OverheadGoverned)

    def __init__(self, directory: Path) -> None:
        self._path = directory / CONTROL
        try:
            self._control: Control | None = Control.open(self._path)
        except (OSError, ValueError):
            self._control = None
        self._file = self._inode()
        self.here = bool(self._control and self._control.here)
        """Whether the trainer, if there is one, is on this machine."""
        self.follower = FidelityFollower(self)
        self._born = time.time()
        self._before = self._control.cpu if self._control else 0.0
        """What collectors of the run that died before this one had computed."""
        self._level: Fidelity = "normal"
        self._one_in = 1

    def __call__(self, event: Event[FidelityChanged | OverheadGoverned]) -> None:
        if event.time >= self._born:
            self.follower(event)
        elif isinstance(event.payload, OverheadGoverned):
            self._one_in = event.payload.one_in
        else:
            self._level = "dense" if event.payload.level == "dense" else "normal"

    @property
    def fidelity(self) -> Fidelity:
        """What was decided last."""
        return self._level

    @fidelity.setter
    def fidelity(self, level: Fidelity) -> None:
        self._level = level
        if self.here and self._control:
            self._control.fidelity = level

    @property
    def one_in(self) -> int:
        """In how many looks one is to be taken, as was decided last."""
        return self._one_in

    @one_in.setter
    def one_in(self, looks: int) -> None:
        self._one_in = looks
        if self.here and self._control:
            self._control.one_in = looks

    def caught_up(self, following: int) -> None:
        """All events below that number were worked off: what stands now is told, however long ago it came."""
        if self._control and self._level != self._control.fidelity:
            self.fidelity = self._level
        if self._control and self._one_in != self._control.one_in:
            self.one_in = self._one_in
        self.tell(following)

    def tell(self, following: int) -> None:
        """The number behind that of the last event that was worked off."""
        if self.here and self._control:
            self._control.read = max(0, following)
            self._control.cpu = self._before + time.process_time()

    def is_replaced(self) -> bool:
        """Whether a trainer went on with the run meanwhile, which has a collector of its own."""
        return self._inode() not in (None, self._file)

    def _inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except OSError:
            return None
