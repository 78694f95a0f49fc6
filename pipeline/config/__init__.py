"""What is measured, and where does it go? A profile, with a user's file or mapping over it, checked where it comes in.

`TelemetryConfig` is the configuration. `load` makes one of a profile, a YAML file and single settings.
"""

from nissa.pipeline.config.errors import ConfigError
from nissa.pipeline.config.layer_selection import Groups, group_of, matches, selected
from nissa.pipeline.config.measurement_plan import dense, feature_names_of, planned, set_by_hand
from nissa.pipeline.config.profiles import configuration, load, profile_names
from nissa.pipeline.config.settings import (
    AlertsConfig,
    GradientConfig,
    LossLandscapeConfig,
    PerClassConfig,
    SinksConfig,
    TelemetryConfig,
    TracesConfig,
)
from nissa.pipeline.config.yaml_reader import value

__all__ = [
    "AlertsConfig",
    "ConfigError",
    "GradientConfig",
    "Groups",
    "LossLandscapeConfig",
    "PerClassConfig",
    "SinksConfig",
    "TelemetryConfig",
    "TracesConfig",
    "configuration",
    "dense",
    "feature_names_of",
    "group_of",
    "load",
    "matches",
    "planned",
    "profile_names",
    "selected",
    "set_by_hand",
    "value",
]
