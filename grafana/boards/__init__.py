"""Which dashboards are there? A function each; what all have in common is in their frame."""

from nissa.grafana.boards.blueprints import blueprints_board
from nissa.grafana.boards.cluster import cluster_board
from nissa.grafana.boards.frame import written
from nissa.grafana.boards.network import network_board
from nissa.grafana.boards.overview import overview_board
from nissa.grafana.boards.pipeline import pipeline_board
from nissa.grafana.boards.policy import policy_board
from nissa.grafana.boards.slots_and_seeds import slots_and_seeds_board

__all__ = [
    "blueprints_board",
    "cluster_board",
    "network_board",
    "overview_board",
    "pipeline_board",
    "policy_board",
    "slots_and_seeds_board",
    "written",
]
