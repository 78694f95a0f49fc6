"""How does a page keep up with runs? All below a folder are read as they grow, and a loopback server tells of them."""

from nissa.cli.runs.report.live.folder import Folder
from nissa.cli.runs.report.live.server import PageServer

__all__ = ["Folder", "PageServer"]
