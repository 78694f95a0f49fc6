"""Is something wrong with the training? Spikes, drops, explosions, dormant units, broken numbers.

Marks are beside them: turns of a seed's life that are worth a look without being a fault.
"""

from nissa.operators.anomalies.training_anomalies import detect_anomalies

__all__ = ["detect_anomalies"]
