"""The features that a configuration gives for a network, in their order, known before anything is measured.

>>> gradients = {"enabled": True, "track_norm": True}
>>> names = feature_names({"gradients": gradients}, layers=["host.conv1", "host.fc"])
>>> names["gradients"]
['grad_norm_conv1', 'grad_norm_fc', 'host_grad_norm', 'grad_non_finite']
>>> feature_schema(names)["_index"]["grad_norm_conv1"]
27
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from typing import Any

from nissa.operators.features.catalog import TABLE, Feature

__all__ = ["CONFUSED", "described", "feature_names", "feature_schema", "short"]

CONFUSED = 20
"""Of more classes than these, pairs have no features: they would be nearly all that there is."""

Config = Mapping[str, Any]


def feature_names(
    config: Config, layers: Sequence[str] = (), slots: Sequence[str] = (), classes: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Names by group; groups without any are absent.

    `config` is a TelemetryConfig as plain data, where what is absent is off. Raises ValueError where two features
    would have one name, as of two classes that are called alike.
    """
    groups: dict[str, list[str]] = {}
    seen = set[str]()
    for group, name, _ in described(config, layers, slots, classes):
        if name in seen:
            raise ValueError(
                f"two features would be called {name!r}: give layers, slots and classes names of their own"
            )
        seen.add(name)
        groups.setdefault(group, []).append(name)
    return groups


def feature_schema(groups: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The names by group, and under "_index" the place of each in the vector.

    `groups` are those of `probes_configured.features`, of `feature_names_of`, or of a row of
    `telemetry.snapshot()["features"]`.
    """
    names = {group: list(own) for group, own in groups.items()}
    return {**names, "_index": {name: place for place, name in enumerate(chain.from_iterable(names.values()))}}


def described(
    config: Config, layers: Sequence[str] = (), slots: Sequence[str] = (), classes: Sequence[str] = ()
) -> Iterator[tuple[str, str, Feature]]:
    """Group, name and row of the table of each feature, in the order of the vector."""
    percentiles = [f"p{number}" for number in dict.fromkeys(_at(config, "gradients.percentiles") or ())]
    pairs = classes if len(classes) <= CONFUSED else ()
    parts = {"layer": [*map(short, layers)], "slot": slots, "class": classes, "other": pairs, "percentile": percentiles}
    for (group, switch), rows in TABLE.items():
        for row in rows:
            if _on(config, switch, row.setting):
                yield from ((group, name, row) for name in _names(row.name, parts))


def short(layer: str) -> str:
    """A layer's name without "host.", which all of them would bear, unless that makes another one's name of it."""
    inside = layer.removeprefix("host.")
    return layer if f"{inside}.".startswith("host.") else inside


def _names(pattern: str, parts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The names that a pattern stands for; no class is confused with itself."""
    keys = re.findall(r"{(\w+)}", pattern)
    for found in product(*(parts[key] for key in keys)):
        bound = dict(zip(keys, found, strict=True))
        if "other" not in bound or bound["class"] != bound["other"]:
            yield pattern.format_map(bound)


def _on(config: Config, switch: str | None, setting: str | None) -> bool:
    """Settings of a row stand beside the switch of its group."""
    if switch is None:
        return True
    section = switch.rpartition(".")[0]
    return bool(_at(config, switch)) and (setting is None or bool(_at(config, f"{section}.{setting}")))


def _at(config: Any, path: str) -> Any:
    for key in path.split("."):
        config = config.get(key) if isinstance(config, Mapping) else None
    return config
