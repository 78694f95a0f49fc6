"""How does a network do after each epoch? A line of text, red flags, opportunities, health, its accuracy's trend."""

from nissa.operators.assessment.accuracy_trend import accuracy_trends
from nissa.operators.assessment.epoch_assessment import assess_epochs
from nissa.operators.assessment.layer_health import overflown
from nissa.operators.assessment.plateau import Progress, point

__all__ = ["Progress", "accuracy_trends", "assess_epochs", "overflown", "point"]
