"""One line above all pages: which run, which environment, how far, and whether it goes on."""

from rich.text import Text

from nissa.cli.monitor.courses import Place
from nissa.cli.monitor.looks import Look
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import joined
from nissa.sinks.text import place as place_text

__all__ = ["head"]

_NAME, _MUCH = 28, 1e6
_STYLES = {"live": "bold green", "ended: completed": "bold green", "recorded": "bold"}


def head(look: Look, place: Place | None, nth: int, runs: int, text: str) -> Text:
    """The line of the run number `nth` of so many, of which rows are shown in which a text stands."""
    which = f" [{nth + 1}/{runs}]" if runs > 1 else ""
    reading = look.waiting > _MUCH and look.state != "live"
    state = "reading" if reading else joined(": ", look.state, look.outcome)
    parts = [
        (f"{shortened(printable(look.name), _NAME)}{which}", "bold"),
        (_where(look, place), ""),
        (state, "bold yellow" if reading else _STYLES.get(state, "bold red")),
        (f"{look.events:,} events", ""),
        (f"{look.waiting / 1e6:,.1f} MB to go" if look.waiting > _MUCH else "", "bold yellow"),
        (f"filter: {printable(text)}" if text else "", "bold yellow"),
        (printable(look.problem), "bold red"),
    ]
    return Text("  ").join(Text(*part) for part in parts if part[0])


def _where(look: Look, place: Place | None) -> str:
    if place is None:
        return f"all of {len(look.places):,} envs" if look.places else ""
    course, run = look.courses.places[place], look.courses.started
    of = f"/{run.max_epochs}" if run and run.max_epochs and course.epoch is not None else ""
    return shortened(printable(place_text(*place, course.episode, course.epoch) + of), 48)
