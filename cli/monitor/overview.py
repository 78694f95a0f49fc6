"""Is growing winning, by which seeds, and is the policy well? The monitor of the research, in a screen of 80 by 24."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from rich.text import Text

from nissa.cli.monitor.courses import Place, PlaceCourse
from nissa.cli.monitor.looks import Look
from nissa.events.vocabulary import MARK
from nissa.sinks.console import NO_SEEDS, without_seeds
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import DASH, Row, counted, joined, number
from nissa.sinks.text import place as place_text

__all__ = ["STAR", "overview"]

STAR = 10.0
"""Points per 10,000 parameters from which a seed has a star."""
_ALERTS, _SEEDS, _ENVS, _NAME = 4, 6, 3, 24
"""Lines of alerts, seeds and environments, and characters of a name."""
_WORDS = {"better": ("✓ WIN", "bold green"), "worse": ("✗ LOSS", "bold red")}
_STYLES = {"critical": "bold red", "warning": "bold yellow"}


def overview(look: Look, place: Place | None) -> Iterator[Text]:
    """The lines, of one environment or of all."""
    yield from _reached(look, place)
    if without_seeds(look.tables) and look.tables:
        yield _line("GROWTH", (NO_SEEDS, "dim"))
    else:
        yield from _winning(look, place)
        yield Text()
        yield from _seeds(look, place)
    yield Text()
    yield from _policy(look, place)
    yield from _alerts(look, place)


def _line(head: str, *parts: str | tuple[str, str]) -> Text:
    return Text.assemble((f"{head:<12}", "bold"), *(_shown(part) for part in parts))


def _shown(part: str | tuple[str, str]) -> tuple[str, str]:
    text, style = (part, "") if isinstance(part, str) else part
    return printable(text), style


def _name(text: object) -> str:
    return shortened(printable(str(text)), _NAME)


def _reached(look: Look, place: Place | None) -> Iterator[Text]:
    if place is None:
        yield from _each(look)
    else:
        yield _line("ACCURACY", _now(look.courses.places[place]))
        if (size := _size(look, place)) != DASH:
            yield _line("PARAM RATIO", size)


def _winning(look: Look, place: Place | None) -> Iterator[Text]:
    verdicts = look.rows("verdicts", place)
    if not verdicts:
        yield _line("VERDICT", ("no episode has ended beside a host trained alone", "dim"))
    for row in verdicts[:3]:
        yield from _verdict(row, len(verdicts) > 1)
        yield _efficiency(row)


def _now(course: PlaceCourse, when: str = " after as many epochs") -> str:
    """The last epoch, and the host alone after as many."""
    if not course.epochs:
        return "no epoch has been completed"
    last = course.epochs[-1]
    epoch, alone = last.completed, course.twin(last.episode).get(last.epoch or 0)
    reached = number(epoch.val_accuracy, "{:.1f}%", number(epoch.val_loss, "loss {:.4g}", "not measured"))
    twin = alone and number(alone.val_accuracy, "{:.1f}%", number(alone.val_loss, "loss {:.4g}", ""))
    loss = number(epoch.val_loss, "loss {:.4g}", "") if when and epoch.val_accuracy is not None else ""
    return joined(", ", reached, twin and f"host alone {twin}{when}", loss)


def _each(look: Look) -> Iterator[Text]:
    """A line for each environment, as far as there is room."""
    for place in look.places[:_ENVS]:
        course = look.courses.places[place]
        where = shortened(printable(place_text(*place, course.episode, course.epoch, short=True) or "now"), _NAME)
        yield _line(where, "  ", joined(", ", _now(course, ""), _size(look, place, short=True)))
    if more := look.places[_ENVS:]:
        yield Text(f"  and {len(more):,} more: e shows one, Seeds all", style="dim")


def _size(look: Look, place: Place, *, short: bool = False) -> str:
    rows = look.rows("scoreboards", place)
    params = look.courses.places[place].total_params
    ratio = number(rows[0]["growth_ratio"], "{:.2f}x host params", "") if rows else ""
    return ratio if short else joined(", ", ratio, number(params, "{:,} params in all", "")) or DASH


def _verdict(row: Row, named: bool) -> Iterator[Text]:
    word = _WORDS.get(row["shown"], (f"= {row['shown']}", "bold"))
    low, high = (_finite(row[f"kept_training_delta_{end}"], "{:+.1f}") for end in ("low", "high"))
    delta = _finite(row["kept_training_delta_mean"], "{:+.1f} points") or "not compared with host alone"
    interval = f" (95% CI {low} to {high})" if low and high else " (no CI)" * (delta != "not compared with host alone")
    kept = _finite(row["kept_accuracy_mean"], "kept {:.1f}%, ")
    yield _line("VERDICT", word, f"  {kept}{delta}{interval}")
    yield _line("", joined("; ", f"{_name(row['group'] or 'all')}" if named else "", _basis(row)))


def _basis(row: Row) -> str:
    """What the means are over; in a line of its own, for 80 columns."""
    among = "" if row["compared"] == row["episodes"] else f"{row['compared']:,} of "
    return f"{counted(row['envs'], 'env')}, {among}{counted(row['episodes'], 'episode')}"


def _efficiency(row: Row) -> Text:
    ratio, size = row["efficiency_ratio_mean"], _finite(row["growth_ratio_mean"], " at {:.2f}x params")
    told = _finite(ratio, "{:.2f}x the host's accuracy per parameter")
    wins = bool(told) and float(ratio) > 1
    word = ("✓ ", "bold green") if wins else ("✗ ", "bold red")
    return _line("EFFICIENCY", *((word, f"{told}{size}") if told else ("not told",)))


def _finite(value: Any, form: str) -> str:
    return number(value, form) if value is not None and isfinite(float(value)) else ""


def _seeds(look: Look, place: Place | None) -> Iterator[Text]:
    rows = [*_contributions(look, place)]
    after = "at episodes' ends" if place is None else _when(_attributed(look, place))
    yield Text.assemble(("SEEDS", "bold"), (f"  Shapley value (95% CI), {after}; points per 10,000 params", "dim"))
    if not rows:
        yield Text("  none was measured", style="dim")
    yield from rows[:_SEEDS]
    if more := rows[_SEEDS:]:
        yield Text(f"  {len(more):,} more: scroll down in Seeds, key 4", style="dim")


def _contributions(look: Look, place: Place | None) -> Iterator[Text]:
    if place is None:
        for group in (row for row in look.rows("analytics") if row["env"] is None):
            for seed in group["seed_contributions"]:
                yield _seed(seed, "shapley_mean", seed.get("seed_params"))
        return
    # The slot may hold another seed by now.
    params = {(slot.slot, slot.seed): slot.seed_params for slot in look.courses.places[place].slots}
    for row in _attributed(look, place):
        yield _seed(row, "shapley", params.get((row["slot"], row["seed"])))


def _attributed(look: Look, place: Place) -> list[Row]:
    """The seeds of the last measurement, which may be of an earlier episode."""
    rows = [row for row in look.rows("attribution", place) if row["env"] == place[1]]
    last = max(map(_moment, rows), default=None)
    return [row for row in rows if _moment(row) == last]


def _moment(row: Row) -> tuple[int, int]:
    return row["episode"] or 0, row["epoch"] or 0


def _when(rows: Sequence[Row]) -> str:
    return place_text(None, None, rows[0]["episode"], rows[0]["epoch"]) if rows else "now"


def _seed(row: Row, of: str, params: int | None) -> Text:
    value, low, high = (_finite(row.get(f"{of}{end}"), "{:+.1f}") for end in ("", "_low", "_high"))
    told = f"{value or DASH:>6} {f'({low} to {high})' if low and high else '':<17}"
    efficiency = float(row[of]) / params * 10_000 if value and params else None
    star = " ★" if efficiency is not None and efficiency >= STAR else ""
    what = joined(", ", _name(row.get("blueprint") or "unknown"), number(params, "{:,} params", ""))
    worth = number(efficiency, "{:,.1f}", "")
    return Text.assemble(f"  {_name(row['slot']):<7}", (told, "bold"), f" {what:<26} ", (f"{worth}{star}", "cyan"))


def _policy(look: Look, place: Place | None) -> Iterator[Text]:
    standing = [row for row in look.rows("alerts") if row["update"] is not None and row["state"] == "stands"]
    policies = look.courses.policies.copy()
    for group, update in policies.items():
        if place is None or group == place[0]:
            bad = {row["alert"]: row for row in standing if row["group"] == group}
            yield _line("POLICY", *_health(bad), f"  {_name(group)}" if group and len(policies) > 1 else "")
            yield _line("", (_figures(update), "dim"))
    if not policies:
        yield _line("POLICY", ("no update was told", "dim"))
    if place is not None and (actions := [*look.courses.places[place].actions]):
        yield _line("ACTIONS", shortened(" ".join(map(printable, actions[-6:])), 200))


def _health(bad: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not bad:
        yield "healthy", "bold green"
        yield ": no alert of the policy stands", ""
    for nth, (alert, row) in enumerate(bad.items()):
        yield (", " if nth else "") + alert.replace("_", " "), _STYLES.get(row["severity"], "bold")


def _figures(update: Any) -> str:
    parts = {
        "value std": number(update.value_std, "{:.2f}", ""),
        "entropy": number(update.entropy, "{:.2f}", ""),
        "KL": number(update.approx_kl, "{:.3f}", ""),
        "EV": number(update.explained_variance, "{:.2f}", ""),
    }
    return joined(", ", *(f"{name} {value}" for name, value in parts.items() if value))


def _alerts(look: Look, place: Place | None) -> Iterator[Text]:
    rows = [row for row in look.rows("alerts", place) if row["severity"] != MARK]
    standing = [row for row in rows if row["state"] == "stands"]
    told = f"{len(standing):,} stand" if standing else "none stands"
    ends = Counter(row["state"] for row in rows if row["state"] != "stands")
    past = "".join(f", {count:,} {state}" for state, count in sorted(ends.items()))
    yield _line("ALERTS", (told, "bold red" if standing else "bold green"), past)
    for row in standing[-_ALERTS:]:
        where = place_text(row["group"], row["env"], row["episode"], row["epoch"], short=True)
        style = _STYLES.get(row["severity"], "bold")
        what = joined("  ", printable(where), shortened(printable(row["what"]), 200))
        yield Text.assemble("  ", (f"{row['severity']} {row['alert']}  ", style), what)
