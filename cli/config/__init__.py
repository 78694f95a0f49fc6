"""Commands about what is measured: the features of a configuration, and the schema of a line of the log.

`add_options` and `chosen` are the options by which other commands choose a configuration.
"""

from nissa.cli.config.profile import add_options, chosen

__all__ = ["add_options", "chosen"]
