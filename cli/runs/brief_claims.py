"""What is to be said of a run on one page. Each claim names the command that shows what it rests on."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from nissa.cli.runs.brief_decisions import Decided
from nissa.cli.runs.show_episodes import run_lines
from nissa.events.event import Scope
from nissa.events.kinds import DecisionJudged
from nissa.events.vocabulary import MARK
from nissa.pipeline.replay import Replay
from nissa.sinks.console import verdict_lines, without_seeds
from nissa.sinks.store import EpisodeContext
from nissa.sinks.text import Row, counted, joined, number, place

__all__ = ["Claim", "Known", "sections"]

_LISTED = 5
"""Items of one sort on the page."""


class Claim(NamedTuple):
    """One sentence or two, and the arguments of `nissa` that show more; "{path}" is the run."""

    says: str
    see: str | None = None


@dataclass(frozen=True)
class Known:
    """All that a page is made of."""

    replay: Replay
    tables: Mapping[str, Any]
    episodes: Sequence[EpisodeContext]
    decided: Decided
    traces: Sequence[tuple[int, str]]
    """Numbers and headlines of those of alerts."""
    injected: str
    ending: str = ""
    """What is to be said of the end, if anything."""


def sections(known: Known) -> list[tuple[str, list[Claim]]]:
    """Titles with their claims, in the order of reading."""
    parts = {
        "What it was": _what,
        "Is growing winning": _verdict,
        "What happened": _happened,
        "What is wrong": _wrong,
        "What to look at next": _next,
    }
    return [(title, [*made(known)]) for title, made in parts.items()]


def _few(claims: Iterable[Claim], see: str, most: int = _LISTED) -> Iterator[Claim]:
    """The first of them, and how many more there are."""
    found = [*claims]
    yield from found[:most]
    if len(found) > most:
        yield Claim(f"And {len(found) - most:,} more.", see)


def _what(known: Known) -> Iterator[Claim]:
    yield from _few((Claim(line.strip()) for line in run_lines(known.episodes)), "show {path}")
    policies = Counter(one.started.policy for one in known.episodes if one.started)
    told = ", ".join(f"{counted(n, 'episode')} by {policy}" for policy, n in policies.items())
    ended = sum(one.ended is not None for one in known.episodes)
    begun = told or ("No start of an episode was told" if ended else "No episode was told")
    yield Claim(f"{begun}; {ended:,} ended." if known.episodes else f"{begun}; {_other(known)}.", "show {path}")
    if known.injected:
        yield Claim(f"It has {known.injected}.", "show {path}")


def _other(known: Known) -> str:
    counts = known.replay.reading.by_kind
    return f"{counted(counts['epoch_completed'], 'epoch')}, {counted(counts['batch_completed'], 'step')}"


def _verdict(known: Known) -> Iterator[Claim]:
    told = [str(line).strip() for line in verdict_lines(known.tables["verdicts"], seedless=without_seeds(known.tables))]
    yield from _few(map(Claim, told[1:]), "replay {path}", most=3 * _LISTED)
    yield Claim("As a document." if told else "No episode was told, so none was compared.", "replay {path} --json")


def _happened(known: Known) -> Iterator[Claim]:
    """What grew and what was decided; else how each network learns."""
    grown = _few(map(_blueprint, known.tables["blueprints"]), "replay {path}")
    updates = _few((_policy(group, known.decided) for group in known.decided.updated), "replay {path}")
    found = [*_episodes(known.tables["episodes"]), *grown, *_decisions(known.decided), *updates]
    yield from found or _few(map(_learning, known.tables["assessments"]), "replay {path}")


def _policy(group: str | None, decided: Decided) -> Claim:
    last = decided.updated[group]
    figures = {"KL": last.approx_kl, "entropy": last.entropy, "explained variance": last.explained_variance}
    told = joined(", ", *(f"{name} {value:.3g}" for name, value in figures.items() if value is not None))
    says = joined("; the last: ", f"{counted(decided.updates[group], 'update')} of the policy{_named(group)}", told)
    return Claim(f"{says}.", "show {path} --kind policy_updated")


def _named(group: str | None) -> str:
    return f" {group}" if group else ""


def _learning(row: Row) -> Claim:
    where = place(row["group"], row["env"], row["episode"], row["epoch"])
    return Claim(f"{where}: {row['narrative']}.", _show(row["env"], row["episode"]))


def _episodes(rows: Sequence[Row]) -> Iterator[Claim]:
    """The best and the worst against their twins."""
    gains = sorted((gain, at) for at, row in enumerate(rows) if (gain := _gain(row)) is not None)
    for which, (gain, at) in {"Best": gains[-1], "Worst": gains[0]}.items() if gains else ():
        row = rows[at]
        where = place(row["group"], row["env"], row["episode"])
        size = number(row["kept_growth_ratio"], " at {:.2f}x")
        kept, twin = row["kept_accuracy"], row["twin_final_accuracy"]
        says = f"{which} of {counted(len(gains), 'episode')}: {where}, kept {kept:.2f}%{size}, twin {twin:.2f}%"
        yield Claim(f"{says} ({gain:+.2f} points).", _show(row["env"], row["episode"]))


def _blueprint(row: Row) -> Claim:
    gain = _interval(row, "net_gain_mean", "net_gain_low", "net_gain_high") or "not told"
    ends = f"{row['fossilized']:,} of {row['germinated']:,} fossilized"
    return Claim(f"Blueprint {row['blueprint']}: {ends}, net gain {gain}.", "replay {path}")


def _gain(row: Row) -> float | None:
    kept, twin = row["kept_accuracy"], row["twin_final_accuracy"]
    known = all(isinstance(value, int | float) and isfinite(value) for value in (kept, twin))
    return kept - twin if known else None


def _decisions(decided: Decided) -> Iterator[Claim]:
    total = decided.ops.total()
    if total:
        ops = ", ".join(f"{op} {n / total:.0%}" for op, n in decided.ops.most_common())
        refused = f"; {decided.refused:,} not carried out" if decided.refused else ""
        yield Claim(f"{counted(total, 'decision')}: {ops}{refused}.", "show {path} --kind decision_made")
    if judged := decided.verdicts.total():
        told = ", ".join(f"{decided.verdicts[verdict]:,} {verdict}" for verdict in ("good", "bad", "undecided"))
        yield Claim(f"In hindsight {told} of {judged:,}.", "show {path} --kind decision_judged")
    yield from (_hindsight(*found) for found in (*decided.good, *decided.bad))


def _hindsight(scope: Scope, row: DecisionJudged) -> Claim:
    by = row.judged_by or ""
    what = "what the end would have taken" if by == "against_waiting" else by.replace("_", " ")
    where = place(scope.group, scope.env, scope.episode, row.decision_epoch)
    says = f"{row.op} before {where} was {row.verdict}: {what}: {getattr(row, by):+.2f} points."
    return Claim(says, f"{_show(scope.env, scope.episode)} --kind decision_explained --epoch {row.decision_epoch}")


def _wrong(known: Known) -> Iterator[Claim]:
    complaint = known.replay.reading.complaint()
    if known.ending:
        yield Claim(known.ending, "show {path}")
    if complaint:
        yield Claim(f"The log: {complaint}.", "replay {path}")
    alerts = [row for row in known.tables["alerts"] if row["severity"] != MARK]
    counts = Counter((row["severity"], row["alert"]) for row in alerts)
    told = (Claim(f"{n:,} x {alert} ({severity}).", "replay {path}") for (severity, alert), n in sorted(counts.items()))
    yield from _few(told, "replay {path}", most=20)
    yield from _few((_standing(row) for row in alerts if row["state"] != "over"), "replay {path}")
    yield from _few((_trace(*trace) for trace in reversed(known.traces)), "traces {path}")
    yield from _few((_flagged(row) for row in known.tables["assessments"] if row["red_flags"]), "replay {path}")
    if not complaint and not alerts:
        yield Claim("No alert was raised" + ", and nothing was lost" * (not known.ending) + ".", "replay {path}")


def _standing(row: Row) -> Claim:
    where = place(row["group"], row["env"], row["episode"], row["epoch"])
    return Claim(f"{row['alert']} {row['state']}: {joined(': ', where, row['what'])}.", "replay {path}")


def _trace(nth: int, headline: str) -> Claim:
    return Claim(f"Trace {nth}: {' '.join(headline.split())}.", f"trace {{path}} {nth}")


def _flagged(row: Row) -> Claim:
    where = place(row["group"], row["env"], row["episode"], row["epoch"])
    return Claim(f"{where}: {', '.join(row['red_flags'])}: {row['narrative']}.", _show(row["env"], row["episode"]))


def _next(known: Known) -> Iterator[Claim]:
    for row in known.tables["verdicts"][:_LISTED]:
        yield from _about(row)
    losing = [row for row in known.tables["blueprints"] if isinstance(high := row["net_gain_high"], float) and high < 0]
    for row in losing[:_LISTED]:
        yield Claim(f"Blueprint {row['blueprint']} loses against the twins beyond chance.", "replay {path}")
    for nth, _ in known.traces[-1:]:
        yield Claim(f"Trace {nth} is the last of an alert: it says what changed first.", f"trace {{path}} {nth}")
    if unended := sum(one.ended is None for one in known.episodes):
        yield Claim(f"{counted(unended, 'episode')} did not end.", "show {path}")


def _about(row: Row) -> Iterator[Claim]:
    """What the verdict of a group leaves open."""
    group, ratio = row["group"] or "all", row["efficiency_ratio_mean"]
    if row["shown"] == "not shown" and row["compared"]:
        yield Claim(f"{group}: growth is shown neither to win nor to lose. More environments narrow the interval.")
    if isinstance(ratio, float) and ratio < 1:
        says = f"{group}: accuracy per parameter is {ratio:.2f} of the twin's"
        yield Claim(f"{says}. Compare with a host of equal size before it is called a gain.", "study")


def _interval(row: Row, mean: str, low: str, high: str) -> str:
    if row[mean] is None:
        return ""
    within = None if row[low] is None else f"({number(row[low], '{:+.2f}')} to {number(row[high], '{:+.2f}')})"
    return joined(" ", f"{number(row[mean], '{:+.2f}')} points", within)


def _show(env: object, episode: int | None) -> str:
    """Made to be copied to a shell, and to be filled in by `format`."""
    named = shlex.quote(str(env)).replace("{", "{{").replace("}", "}}")
    return joined(" ", "show {path}", None if env is None else f"--env {named}", number(episode, "--episode {}", ""))
