"""What does a page say of a run? It is taken from the run's events, live or recorded, in bounded memory."""

from nissa.cli.runs.report.taking.curves import Curves
from nissa.cli.runs.report.taking.known import Known
from nissa.cli.runs.report.taking.lives import Course, Lives, Span

__all__ = ["Course", "Curves", "Known", "Lives", "Span"]
