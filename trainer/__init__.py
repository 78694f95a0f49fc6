"""How does a trainer embed Nissa? A whole one, to run and to copy: PPO grows small hosts on scikit-learn's digits.

Begin with `run.py` and `episode.py`.
"""
