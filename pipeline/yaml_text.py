"""What does a YAML text say? A mapping, or one clear line about why it says none.

>>> mapping("gradients: {every: 5}", "my.yaml")
{'gradients': {'every': 5}}
"""

from typing import Any

import yaml

__all__ = ["ConfigError", "mapping", "value"]


class ConfigError(ValueError):
    """A configuration that cannot be used: one line with its source, the key, the value and what is allowed."""


def mapping(text: str, source: str) -> dict[str, Any]:
    """The mapping that a text holds; an empty text holds an empty one. Raises ConfigError, with the line."""
    found = value(text, source)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: must hold keys with values, such as `history_length: 10`, not {found!r}")
    return found


def value(text: str, source: str) -> Any:
    """What a text stands for. Raises ConfigError on bad YAML and on a key that is given twice, with the line."""
    try:
        # It is SafeLoader's child: nothing but plain data is made.
        return yaml.load(text, _UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark and text.strip().count("\n") else ""
        raise ConfigError(f"{source}{line}: {', '.join(filter(None, (error.context, error.problem)))}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: {' '.join(str(error).split())}") from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML forbids a key twice, PyYAML lets the last one win, and the first is lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"{key.value} is given twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
