"""What does a run look like on a page? HTML and SVG of what was taken from its events; each name in it is text."""

from nissa.cli.runs.report.page.document import html_page
from nissa.cli.runs.report.page.runs import entry, no_entry, pages, told_apart

__all__ = ["entry", "html_page", "no_entry", "pages", "told_apart"]
