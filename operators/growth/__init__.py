"""Which blueprints work, and what has grown? Statistics by blueprint, the seed scoreboard, and the best runs."""

from nissa.operators.growth.blueprints import blueprint_stats
from nissa.operators.growth.host_sizes import HostSizes
from nissa.operators.growth.model_size import growth_ratio
from nissa.operators.growth.ranking import best_runs
from nissa.operators.growth.scoreboard import seed_scoreboard

__all__ = ["HostSizes", "best_runs", "blueprint_stats", "growth_ratio", "seed_scoreboard"]
