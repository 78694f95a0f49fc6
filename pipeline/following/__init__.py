"""How does an onlooker keep up with runs? It reads each as it grows, and finds those that are new below a folder."""

from nissa.pipeline.following.folders import FOLLOWED, directories, runs_below, runs_meant
from nissa.pipeline.following.followed_run import FollowedRun

__all__ = ["FOLLOWED", "FollowedRun", "directories", "runs_below", "runs_meant"]
