"""How does Nissa answer over HTTP? One small server, for /metrics and for pages: bounded, and guarded where it is told.

No client can hold it: what says nothing, asks too much or reads too slowly is let go. It reads no file to give.
"""

from nissa.sinks.serving.guard import OPEN, Guard
from nissa.sinks.serving.messages import Answer, Request, Work
from nissa.sinks.serving.server import Server
from nissa.sinks.serving.sockets import is_loopback, listening, url

__all__ = ["OPEN", "Answer", "Guard", "Request", "Server", "Work", "is_loopback", "listening", "url"]
