"""What does a YAML text say? A mapping, or one clear line about why it says none.

>>> mapping("gradients: {every: 5}", "my.yaml")
{'gradients': {'every': 5}}
"""

from typing import Any

import yaml

from nissa.pipeline.config.errors import ConfigError, quoted
from nissa.sinks.printable import shortened

__all__ = ["mapping", "value"]


def mapping(text: str, source: str) -> dict[str, Any]:
    """The mapping that a text holds; an empty text holds an empty one. Raises ConfigError, with the line."""
    found = value(text, source)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: must hold keys with values, such as `history_length: 10`, not {quoted(found)}")
    return found


def value(text: str, source: str) -> Any:
    """What a text stands for. Raises ConfigError on bad YAML and on a key that is given twice, with the line."""
    try:
        # It is SafeLoader's child: nothing but plain data is made.
        return yaml.load(text, _UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark and text.strip().count("\n") else ""
        wrong = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"{source}{line}: {shortened(wrong)}") from None
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: {shortened(' '.join(str(error).split()))}") from None


_WORDS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null")


class _UniqueKeys(yaml.SafeLoader):
    """YAML forbids a key twice, PyYAML lets the last one win, and the first is lost without a word.

    A value that is not what it looks like or is tagged as, such as a 99th of a month, is an error with its line too; so
    is an alias, because a few lines of them stand for more than any memory holds. A key such as `on` is a name, and no
    truth.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: yaml.AliasEvent = self.peek_event()  # type: ignore[no-untyped-call]
            problem = f"write out what *{alias.anchor} stands for: aliases are not read here"
            raise yaml.composer.ComposerError(problem=problem, problem_mark=alias.start_mark)  # type: ignore[arg-type]
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            what = node.tag.rpartition(":")[2]
            problem = f"{quoted(node.value)} is no {what}: {error}" if isinstance(node, yaml.ScalarNode) else str(error)
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"{key.value} is given twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
            if key.tag in _WORDS:
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)
