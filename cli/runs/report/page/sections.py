"""What a page says of one run, section by section. Figures are those of the operators' tables, and of nothing else."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nissa.cli.runs.brief_claims import Claim
from nissa.cli.runs.brief_claims import Known as Told
from nissa.cli.runs.brief_claims import sections as claims
from nissa.cli.runs.ending import ending
from nissa.cli.runs.report.page.attributed import attribution, decisions
from nissa.cli.runs.report.page.elements import Element, Part, tag
from nissa.cli.runs.report.page.intervals import Interval, intervals
from nissa.cli.runs.report.page.setup import setup
from nissa.cli.runs.report.page.tables import shown
from nissa.cli.runs.report.page.timeline import timeline
from nissa.cli.runs.report.taking import Known
from nissa.cli.runs.show_episodes import episode_notes, episode_table
from nissa.cli.runs.trace_text import headline, report
from nissa.pipeline.replay import Replay
from nissa.sinks.console import NO_SEEDS, summary_parts, without_seeds
from nissa.sinks.layer_ranking import MAX_LAYERS
from nissa.sinks.text import Row, counted, joined

__all__ = ["article", "verdict"]

_EPISODES = 200
"""Of the table of episodes, the last ones."""


def article(known: Known, tables: Mapping[str, Sequence[Row]], name: str) -> Element:
    """All sections of a run that have something to say; `tables` are those of `Tables.snapshot()`."""
    parts = summary_parts(tables, so_far=known.ends.ended is None, injected=known.faults.text(), layers=MAX_LAYERS)
    found: dict[str, list[Element]] = {
        "Overview": [*_overview(known, tables)],
        "Blueprints": [*_blueprints(tables["blueprints"]), *shown(parts.get("blueprints", ()))],
        "Lives of seeds": [*timeline(known.lives)],
        "Attribution": [*attribution(known.store, tables["analytics"])],
        "Policy": [*decisions(tables["analytics"])],
        "Network health": [*shown(parts.get("assessments", ())), *shown(parts.get("layers", ()))],
        "Scalars": [*shown(parts.get("scalars", ()))],
        "Alerts and traces": [*shown(parts.get("alerts", ())), *_traces(known)],
        "Episodes": [
            *_episodes(known, tables),
            *shown(parts.get("scoreboards", ())),
            *shown(parts.get("best_runs", ())),
        ],
        "Reproducibility": [*setup(known)],
    }
    told = [_section(title, elements, name) for title, elements in found.items() if elements]
    return tag("article", tag("h2", "Run ", name), told)


def verdict(tables: Mapping[str, Sequence[Row]]) -> str:
    """In a line: of each group what is shown, and the difference that it rests on."""
    rows = tables["verdicts"]
    if rows and without_seeds(tables):
        return NO_SEEDS
    return "; ".join(joined(" ", row["group"], _difference(row)) for row in rows) or "no episode was told"


def _difference(row: Row) -> str:
    mean, low, high = (row[f"kept_training_delta_{part}"] for part in ("mean", "low", "high"))
    if mean is None:
        return f"{row['shown']}"
    within = "no CI" if low is None or high is None else f"95% CI {float(low):+.2f} to {float(high):+.2f}"
    basis = f"{counted(row['envs'], 'env')}, {counted(row['episodes'], 'episode')}"
    return f"{row['shown']}: kept minus twin {float(mean):+.2f} points ({within}; {basis})"


def _section(title: str, elements: Sequence[Element], run: str) -> Element:
    return tag("section", tag("h3", title), elements, aria_label=f"{title} of {run}")


def _overview(known: Known, tables: Mapping[str, Any]) -> Iterator[Element]:
    told = Told(
        Replay(reading=known.reading, tables=known.tables, run=known.run),
        tables,
        known.store.episodes(),
        known.decided,
        [(nth, headline(trace)) for nth, trace in known.traces.last],
        known.faults.text(),
        ending(known.path, known.ends.ended),
    )
    path = shlex.quote(str(known.path))
    found = claims(told)
    order = sorted(range(len(found)), key=lambda at: found[at][0] != "Is growing winning")
    for at in order:
        title, said = found[at]
        if said:
            yield tag("h4", title)
            yield tag("ul", [tag("li", *_claim(claim, path)) for claim in said])


def _claim(claim: Claim, path: str) -> Iterator[Part]:
    yield claim.says
    if claim.see:
        yield " "
        yield tag("code", f"nissa {claim.see.format(path=path)}")


def _blueprints(rows: Sequence[Row]) -> Iterator[Element]:
    told = [
        Interval(
            joined(" ", row["group"], row["blueprint"]),
            row["net_gain_mean"],
            row["net_gain_low"],
            row["net_gain_high"],
            f"{counted(row['net_gain_n'], 'seed')}, {counted(row['net_gain_envs'], 'env')}",
        )
        for row in rows
        if row["net_gain_mean"] is not None
    ]
    if told:
        title = "Net gain of the trained network while a seed lived, against the host alone (Student's t over envs)"
        yield intervals(title, "points", told)


def _traces(known: Known) -> Iterator[Element]:
    for nth, trace in reversed(known.traces.last):
        lines = "\n".join(report(trace, nth))
        told = f"Trace {nth}: {joined(' ', *headline(trace).split())}"
        yield tag("details", tag("summary", told), tag("pre", lines, tabindex=0))
    if more := known.traces.alerts - len(known.traces.last):
        yield tag("p", f"{counted(more, 'earlier trace')} of alerts had no room here.", class_="note")


def _episodes(known: Known, tables: Mapping[str, Sequence[Row]]) -> Iterator[Element]:
    contexts = known.store.episodes()
    if contexts:
        yield from shown([episode_table(contexts[-_EPISODES:], tables["episodes"])])
        for line in episode_notes(contexts):
            yield tag("p", line, class_="note")
    if more := len(contexts[:-_EPISODES]):
        yield tag("p", f"{counted(more, 'earlier episode')} had no room here.", class_="note")
