"""In which episode is a line that does not say it? All environments train one at a time, round by round.

So its number is that of the episodes completed before the round, plus the environment's. What closes a round says how
many are completed; where nothing says where the count began, no number is made up.
"""

from dataclasses import dataclass, field

from nissa.pipeline.sources.esper.fields import Line, numbered

__all__ = ["Rounds"]

_MOST = 10_000
"""Environments of a round."""


@dataclass(slots=True)
class Rounds:
    """The rounds of a group: what the lines so far tell of the one under way."""

    completed: int | None = None
    """Episodes before this round; None as long as that is not known."""
    size: int | None = None
    """Episodes of a round."""
    epoch: int = 0
    """Host epoch completed last, in any environment."""
    stable: dict[int, int] = field(default_factory=dict)
    """Environments whose host was said to be stable, and in which epoch."""
    heard: bool = False
    """Whether anything was told of the group."""
    assumed: bool = False
    """Whether the count is taken to begin with the log, which nothing has confirmed yet."""
    alone: bool = False
    """Whether it is their heuristic trainer, which starts anew with each episode."""

    def place(self, line: Line, env: int | None) -> int | None:
        """The episode of a line, told or known; None where neither."""
        told = numbered(line, "episode_idx")
        if line.type == "TRAINING_STARTED":
            self._start(line)
        elif env is not None and told is None:
            self._follow(line, env)
        if told is not None and env is not None and told - env > (-1 if self.completed is None else self.completed):
            self._open(told - env)
        closes = _count(line, "episodes_completed")
        if closes is not None:
            self._close(line, closes)
        self.heard = True
        return told if told is not None or closes is not None else self._known(env)

    def _known(self, env: int | None) -> int | None:
        """A round has no environment beyond its size."""
        if env is None or self.completed is None or (self.size is not None and env >= self.size):
            return None
        return self.completed + env

    def _start(self, line: Line) -> None:
        """A training that resumes another goes on with its count."""
        follows = self.completed + 1 if self.alone and self.completed is not None else None
        begins, head = _count(line, "start_episode"), not self.heard
        self.alone = str(line.data.get("episode_id")).startswith("heur")
        self.size = 1 if self.alone else _count(line, "n_envs")
        if self.alone:
            begins = 0 if head else follows
        elif begins is None and not line.data.get("resume_path"):
            begins = 0
        self._open(begins)
        self.assumed = False

    def _follow(self, line: Line, env: int) -> None:
        """A round that was rolled back is closed by no line: that the next one began shows in epochs that step back."""
        if line.type == "TAMIYO_INITIATED":
            if not self.heard:
                self.completed, self.assumed = 0, True
            epoch = _count(line, "epoch") or 0
            if env in self.stable or epoch < max(self.stable.values(), default=0):
                self._open(None if None in (self.completed, self.size) else (self.completed or 0) + (self.size or 0))
            if len(self.stable) < _MOST:
                self.stable[env] = epoch
        elif line.type == "EPOCH_COMPLETED" and (epoch := _count(line, "inner_epoch") or 0):
            if epoch < self.epoch:
                # Late, or of a round whose predecessor's end is lost.
                self._open(None)
            self.epoch = epoch

    def _close(self, line: Line, completed: int) -> None:
        if self.completed is None:
            self._open(completed)
            return
        if completed < self.completed:
            line.odd.append("episodes_completed: fewer than before, so the round before it was of another training")
        elif self.assumed and _count(line, "batch") not in (None, 1):
            line.odd.append("batch: not the first, so the log has no head, and its first round is misnumbered")
        elif completed > self.completed:
            self.size = min(completed - self.completed, self.size or completed)
        self.assumed = False
        if completed != self.completed:
            self._open(completed)

    def _open(self, completed: int | None) -> None:
        self.completed, self.epoch, self.assumed = completed, 0, False
        self.stable.clear()


def _count(line: Line, field: str) -> int | None:
    value = line.data.get(field)
    return value if type(value) is int and value >= 0 else None
