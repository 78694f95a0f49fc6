"""What does a panel that asks once show of what is gone? Either nothing, or how it was last, and it says which."""

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["ONCE", "also_gone", "gone", "plain", "plainly"]

Document = dict[str, Any]
ONCE = ("stat", "bargauge", "table")
"""Panels that ask for one moment, by type."""
_SELECTOR = re.compile(r"\b\w+\{[^}]*\}")
_ALSO_GONE = re.compile(r"(?P<now>.*) or \((?P<past>.*) unless on \((?P<on>\w*)\) (?P<alive>\w+\{[^}]*\})\)")
"""A value now, or else the last one, unless whoever told it is still there."""
_JUST_NOW = re.compile(
    r"(?P<now>.*) or \((?P<just>.*) unless on \(\) (?P<heard>\w+\{[^}]*\})\) or "
    r"\((?P<past>.*) unless on \((?P<on>)\) last_over_time\((?P<alive>\w+\{[^}]*\})\[2m\]\)\)"
)
"""The same of all together; for two minutes after all were heard of, the last one is of those that were."""
_WRAPPED = re.compile(r"((?:sort_desc\()?(?:topk\(16, )?)\((.*)\)( > 0\)+)")
"""What is sorted and left out after that is known."""
_SAID = {
    "run": "Of a run that is gone, as it was last in the time range.",
    "": "When all are gone, as it was last in the time range.",
}
_ALIVE = {
    "run": 'nissa_run_last_event_timestamp_seconds{run=~"$run"}',
    "instance": 'nissa_scrapes_total{instance=~"$instance"}',
}
_OF_THEN = re.compile(r"\b(at the end of|ended in) the time range\b")


def plain(expr: str) -> str:
    """What is asked of a moment, without what was there before."""
    before, inner, after = _parts(expr)
    found = _remembered(inner)
    return f"{before}{found['now']}{after}" if found else expr


def plainly(panel: Document) -> Document:
    """The panel as if it asked of a moment alone."""
    targets = [{**target, "expr": plain(target["expr"])} for target in panel["targets"]]
    return {**panel, "targets": targets}


def also_gone(expr: str, like: str) -> str:
    """The same of another expression as is asked in `like`."""
    found = _remembered(_parts(like)[1])
    if found is None:
        return expr
    before, inner, after = _unwrapped(expr) if _WRAPPED.fullmatch(like) else ("", expr, "")
    held = f"{inner} or ({_recalled(inner)} unless on ({found['on']}) {found['alive']})"
    if "just" in found.groupdict():
        alive = found["alive"]
        just, past = f"{_recalled(inner, '2m')} unless on () {alive}", f"{_recalled(inner)} unless on () "
        held = f"{inner} or ({just}) or ({past}last_over_time({alive}[2m]))"
    return f"{before}({held}){after}" if before or after else held


def gone(panel: Document) -> Iterator[str]:
    """Faults of a panel that asks once; others show what is gone where it was."""
    exprs = [target["expr"] for target in panel["targets"]]
    if panel["type"] not in ONCE:
        yield from (f"the end of the time range over the time: {expr}" for expr in exprs if "unless on (run) " in expr)
        return
    ways = {way for expr in exprs for way in _ways(expr)}
    said = {way for way, text in _SAID.items() if text in panel["description"]}
    if ways != said:
        yield f"of what is gone by {sorted(ways)}, described as: {panel['description']}"
    if bool(ways) == bool(_OF_THEN.search(panel["description"])):
        yield f"of the moment or not, described as: {panel['description']}"
    for expr in exprs:
        yield from _misremembered(expr, bool(ways))


def _remembered(inner: str) -> re.Match[str] | None:
    """Of a run there is no moment before; of all, nothing else is right."""
    found = _JUST_NOW.fullmatch(inner) or _ALSO_GONE.fullmatch(inner)
    return found if found and ("just" in found.groupdict()) == (not found["on"]) else None


def _parts(expr: str) -> tuple[str, str, str]:
    found = _WRAPPED.fullmatch(expr)
    return (found[1], found[2], found[3]) if found else ("", expr, "")


def _unwrapped(expr: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"((?:sort_desc\()?(?:topk\(16, )?)(.*)( > 0\)+)", expr)
    return (found[1], found[2], found[3]) if found else ("", expr, "")


def _ways(expr: str) -> Iterator[str]:
    if found := _remembered(_parts(expr)[1]):
        yield found["on"]


def _misremembered(expr: str, wanted: bool) -> Iterator[str]:
    found = _remembered(_parts(expr)[1])
    if found is None:
        if wanted:
            yield f"nothing of what is gone: {expr}"
        return
    if found["past"] != _recalled(found["now"]):
        yield f"of what is gone {found['past']}, and now {found['now']}"
    if not found["on"] and (found["just"], found["heard"]) != (_recalled(found["now"], "2m"), found["alive"]):
        yield f"a moment ago {found['just']} without {found['heard']}, and now {found['now']}"
    if found["alive"] != _ALIVE["instance" if "$instance" in found["now"] else "run"]:
        yield f"what goes on is known by {found['alive']}"
    if (found["on"] == "run") != bool(re.match(r"max by \(run", found["now"])):
        yield f"gone by {found['on']}: {expr}"


def _recalled(expr: str, window: str = "$__range") -> str:
    return _SELECTOR.sub(rf"last_over_time(\g<0>[{window}])", expr)
