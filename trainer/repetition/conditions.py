"""May a run be expected to come out the same here? Commit, files, versions, computing and data, then and now."""

from collections.abc import Iterator, Mapping

from nissa.events.kinds import RunStarted

__all__ = ["differing", "refusals"]

_DIRTY = "-dirty"
_THROUGH_OTHERS = {
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "interop_threads"),
    "PYTHONHASHSEED",
}
"""Change no number by themselves: `threads` says what they come to, and no order of a set is trained on."""


def refusals(was: RunStarted, now: RunStarted) -> list[str]:
    """Why it may not, a line each. What is not known of a commit, as where no git is, is no reason."""
    found = [*_commits(was.git_commit, now.git_commit)]
    found += [*_differing("version", was.versions, now.versions), *_numerics(was, now, told=False)]
    if was.data_digest != now.data_digest:
        found.append(f"the data: their digest was {was.data_digest or 'not told'}, is {now.data_digest or 'not told'}")
    return found


def differing(was: RunStarted, now: RunStarted) -> list[str]:
    """What should make no difference and is to be told, a line each: an unknown commit, another machine."""
    unknown = {"of the run": was.git_commit, "here": now.git_commit}
    found = [f"the commit {where} is not known" for where, commit in unknown.items() if commit is None]
    return [*found, *_differing("hardware", was.hardware, now.hardware), *_numerics(was, now, told=True)]


def _commits(was: str | None, now: str | None) -> Iterator[str]:
    if was and was.endswith(_DIRTY):
        yield f"the run was trained with files that differ from its commit {was.removesuffix(_DIRTY)}"
    if now and now.endswith(_DIRTY):
        yield f"files here differ from their commit {now.removesuffix(_DIRTY)}"
    if was and now and was.removesuffix(_DIRTY) != now.removesuffix(_DIRTY):
        yield f"commit was {was}, is {now}"


def _numerics(was: RunStarted, now: RunStarted, *, told: bool) -> Iterator[str]:
    """What is only told, or what is refused."""
    then, here = (
        {name: value for name, value in run.numerics.items() if (name in _THROUGH_OTHERS) == told} for run in (was, now)
    )
    return _differing("numerics", then, here)


def _differing(what: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in [*was, *(name for name in now if name not in was)]:
        if was.get(name) != now.get(name):
            yield f"{what} of {name} was {was.get(name, 'not told')}, is {now.get(name, 'not told')}"
