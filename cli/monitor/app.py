"""The screen: pages, keys, and the looks that it shows. It reads nothing itself, and computes nothing."""

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane, Tabs

from nissa.cli.monitor.courses import Place
from nissa.cli.monitor.head import head
from nissa.cli.monitor.looks import Look
from nissa.cli.monitor.plots import Plots
from nissa.cli.monitor.tables import PAGES
from nissa.sinks.text import note

__all__ = ["Monitor"]

_EVERY = 0.5
"""Seconds between two looks at the looks."""
_HELP = """
 1 ... 7     pages; arrows, PgUp, PgDn, Home and End scroll
 e  E        the next environment, the one before; first come all
 r  R        the next run, the one before
 /           only rows in which a text stands; Enter keeps it,
             Escape lets go of it
 ?           this page; any key leaves it
 q           quit

 VERDICT     the kept network against the same host trained alone
 ★           a seed worth 10 points or more per 10,000 parameters
 (a to b)    95% interval

 docs/monitor.md says more.
"""


class _Help(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield VerticalScroll(Static(Text(_HELP.strip("\n"))), id="help")

    def on_key(self, event: Key) -> None:
        # Else it would reach the program too, and `q` end it.
        event.stop()
        self.dismiss()


class Monitor(App[None]):
    """Shows what `looks` gives: the last look at each run."""

    TITLE = "nissa monitor"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # as textual declares it
        (0, "-narrow"),
        (120, "-wide"),
    ]
    CSS = """
    Screen { overflow: hidden; }
    TabbedContent, ContentSwitcher, TabPane { height: 1fr; }
    #head { height: 1; background: $panel; }
    TabPane { padding: 0; }
    Tabs { height: 2; }
    #help { background: $surface; border: round $primary; margin: 1 2; padding: 0 1; }
    #filter { dock: bottom; height: 1; border: none; display: none; margin-bottom: 1; }
    #filter.-shown { display: block; }
    #side { display: none; }
    .-wide #side { display: block; width: 1fr; }
    #Overview VerticalScroll { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        *(Binding(str(nth), f"page('{page}')", page, show=False) for nth, page in enumerate(PAGES, start=1)),
        Binding("e", "place(1)", "env"),
        Binding("E", "place(-1)", show=False),
        Binding("r", "run(1)", "run"),
        Binding("R", "run(-1)", show=False),
        Binding("slash", "filter", "filter"),
        Binding("escape", "clear", show=False),
        Binding("question_mark", "help", "help"),
    ]

    def __init__(self, looks: Callable[[], list[Look]]) -> None:
        super().__init__()
        self.animation_level = "none"
        self._looks = looks
        self._path, self._text = looks()[0].path, ""
        self._shown: tuple[object, ...] = ()
        self._place: Place | None = None

    def compose(self) -> ComposeResult:
        """A head, the pages, and the keys."""
        yield Static(id="head")
        with TabbedContent():
            for nth, page in enumerate(PAGES, start=1):
                with TabPane(f"{nth} {page}", id=page):
                    if page == "Curves":
                        yield Plots()
                    elif page == "Overview":
                        yield Horizontal(VerticalScroll(Static(classes="page")), Plots(id="side"))
                    else:
                        yield VerticalScroll(Static(classes="page"))
        yield Input(placeholder="rows in which this stands", id="filter", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(Tabs).can_focus = False
        self.set_interval(_EVERY, self._look_again)
        self.look()

    def _look_again(self) -> None:
        # While the program ends its parts go one by one, and the clock is not the first of them.
        with suppress(NoMatches):
            self.look()

    def look(self) -> None:
        """Show the page at hand, if there is anything new on it."""
        looks, at = self._current()
        page, look = self.query_one(TabbedContent).active, looks[at]
        if self._place not in (places := self._choices(look)):
            self._place = places[0]
        shown = (page, id(look), self._place, self._text, self.size.width, at, len(looks))
        if shown == self._shown:
            return
        self._shown = shown
        self.query_one("#head", Static).update(head(look, self._place, at, len(looks), self._text))
        self._show(page, look)

    def _current(self) -> tuple[list[Look], int]:
        """All looks, and which of them is shown: other runs come and go meanwhile."""
        looks = self._looks()
        return looks, next((nth for nth, look in enumerate(looks) if look.path == self._path), 0)

    def _show(self, page: str, look: Look) -> None:
        pane = self.query_one(f"#{page}", TabPane)
        for plots in pane.query(Plots):
            plots.show(look, self._place)
        draw, nothing = PAGES[page]
        for static in pane.query(Static).filter(".page"):
            drawn = [*draw(look, self._place, self._text, self.size.width)]
            static.update(Group(*drawn) if drawn else note(f"Nothing to show: {nothing}."))

    def _choices(self, look: Look) -> list[Place | None]:
        """All environments together first, where there are several."""
        places = look.places
        return [*places] if len(places) == 1 else [None, *places]

    def on_tabbed_content_tab_activated(self) -> None:
        """Another page, which the arrows scroll."""
        self._to_page()
        self.look()

    def action_page(self, page: str) -> None:
        """Go to a page."""
        self.query_one(TabbedContent).active = page

    def action_place(self, by: int) -> None:
        """Go on to another environment."""
        looks, shown = self._current()
        choices = self._choices(looks[shown])
        at = choices.index(self._place) if self._place in choices else 0
        self._place = choices[(at + by) % len(choices)]
        self.look()

    def action_run(self, by: int) -> None:
        """Go on to another run."""
        looks, at = self._current()
        self._path = looks[(at + by) % len(looks)].path
        self.look()

    def action_filter(self) -> None:
        """Ask for a text."""
        asked = self.query_one("#filter", Input)
        asked.add_class("-shown")
        asked.focus()

    def action_clear(self) -> None:
        """Let go of the text."""
        self.query_one("#filter", Input).value = ""
        self._done()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Show the rows in which it stands, while it is written."""
        self._text = changed.value
        self.look()

    def on_input_submitted(self) -> None:
        """Keep the text."""
        self._done()

    def _done(self) -> None:
        self.query_one("#filter", Input).remove_class("-shown")
        self._to_page()

    def _to_page(self) -> None:
        pages = self.query_one(f"#{self.query_one(TabbedContent).active}", TabPane).query(VerticalScroll)
        self.set_focus(pages.first() if pages else None)

    def action_help(self) -> None:
        """Say what the keys do."""
        self.push_screen(_Help())
