"""What would the network be without some of its seeds? Its configurations, drawn, measured, and undone again."""

from nissa.pipeline.probes.counterfactual.counterfactual import SetAlphas, counterfactual_measured
from nissa.pipeline.probes.counterfactual.looks import Evaluate

__all__ = ["Evaluate", "SetAlphas", "counterfactual_measured"]
