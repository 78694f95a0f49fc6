"""What can a policy learn from? The feature vector of an epoch, and its schema, which describes itself."""

from nissa.operators.features.catalog import TABLE, Feature
from nissa.operators.features.feature_vector import feature_vectors
from nissa.operators.features.names import described, feature_names, feature_schema

__all__ = ["TABLE", "Feature", "described", "feature_names", "feature_schema", "feature_vectors"]
