"""The page itself: one HTML file with all that it needs, which asks nobody for anything."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from nissa.cli.runs.report.page.elements import Element, tag, text
from nissa.events.json_encoding import plain

__all__ = ["html_page"]

_STYLES = ("uPlot.min.css", "page.css")
_SCRIPTS = ("uPlot.iife.min.js", "lines.js", "charts.js", "page.js")
_HEADS = ("show", "run", "state", "is growing winning", "alerts", "events", "began", "path")


def html_page(
    runs: Sequence[Mapping[str, Any]], articles: Mapping[str, str] | None = None, *, live: bool = False
) -> str:
    """The file. `runs` are what the list of runs says of each, and its curves; `articles` are HTML by their keys.

    A `live` page asks for both where it came from, every 2 s.
    """
    style, script = _asset(_STYLES), _asset(_SCRIPTS)
    data = json.dumps({"live": live, "runs": plain([*runs])}, separators=(",", ":")).replace("<", "\\u003c")
    holders = "".join(f'<div data-run="{key}">{html}</div>' for key, html in (articles or {}).items())
    rest = text(_body(live)).replace('<div id="articles"></div>', f'<div id="articles">{holders}</div>')
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{text(_policy(style, script, live))}'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Nissa</title>'
        f'<style>{style}</style></head><body>{rest}<script type="application/json" id="data">{data}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _policy(style: str, script: str, live: bool) -> Element:
    """What the page may do: run this script, and where it is live, ask its own server. Nothing else."""
    allowed = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "connect-src": "'self'" if live else "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    told = "; ".join(f"{what} {where}" for what, where in allowed.items())
    return tag("meta", http_equiv="Content-Security-Policy", content=told)


def _body(live: bool) -> Element:
    head = tag("header", tag("h1", "Nissa"), _theme(), tag("span", "", id="status", role="status"))
    links = [tag("a", name, href=f"#{where}") for name, where in (("Curves", "curves"), ("Details", "articles"))]
    rows = tag("table", tag("thead", tag("tr", [tag("th", name, scope="col") for name in _HEADS])), tag("tbody"))
    runs = tag("div", rows, id="runs", class_="wide", tabindex=0, role="region", aria_label="Runs")
    none = tag("noscript", tag("p", "Curves and the list of runs need JavaScript; the details do not."))
    waits = tag("p", "New data every 2 s.", class_="note") if live else None
    head.append(tag("nav", links, class_="controls", aria_label="Parts of the page"))
    parts = (none, tag("h2", "Runs"), waits, runs, tag("h2", "Curves", id="curves"), *_controls())
    return tag("div", head, tag("main", *parts, tag("div", id="articles")))


def _theme() -> Element:
    return tag("button", "Theme: auto", id="theme", type="button", data_now="auto")


def _controls() -> list[Element]:
    axes = {"at": "epoch, batch, update or step", "time": "time"}
    options = [tag("option", name, value=value) for value, name in axes.items()]
    slider = tag("input", id="smooth", type="range", min=0, max=0.98, step=0.02, value=0)
    made = (
        tag("label", "by ", tag("select", options, id="axis")),
        tag("label", "smoothing ", slider, " ", tag("output", "0", id="smoothed", for_="smooth")),
        tag("label", "charts named ", tag("input", id="filter", type="search")),
    )
    how = (
        "Drag to zoom, twice click for all. Dashed beside a line: the host alone. Episodes follow one another. "
        "Smoothing is an exponential mean of the points drawn, the points themselves pale behind it."
    )
    return [
        tag("div", made, class_="controls"),
        tag("div", id="places", role="group", aria_label="Places", tabindex=0),
        tag("p", id="places-note", class_="note"),
        tag("p", how, class_="note"),
        tag("p", id="charts-note", class_="note"),
        tag("div", id="charts"),
    ]


@cache
def _asset(names: tuple[str, ...]) -> str:
    folder = files("nissa.cli.runs.report.page") / "assets"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _digest(content: str) -> str:
    return b64encode(sha256(content.encode()).digest()).decode()
