"""Who tells the person at the trainer that a number is not what it is declared to be? Python's log, once a field."""

import logging

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised
from nissa.events.vocabulary import IMPLAUSIBLE_VALUE
from nissa.sinks.printable import printable

__all__ = ["log_doubt"]

_log = logging.getLogger("nissa")


def log_doubt(event: Event[AlertRaised]) -> None:
    """Warn of an alert "implausible_value", which is raised once a run and field; of no other."""
    if event.payload.alert == IMPLAUSIBLE_VALUE.name:
        _log.warning("run %s: %s", printable(event.scope.run), printable(event.payload.what))
