"""Which configuration is in force? A profile, with a user's YAML file over it, and single settings over both.

>>> config = load("diagnostic", overrides=["gradients.layers=[conv1,fc]", "history_length=30"])
>>> config.profile_name, config.gradients.layers, config.history_length, config.per_class.track_loss
('diagnostic', ['conv1', 'fc'], 30, True)
>>> load("debug")
Traceback (most recent call last):
nissa.pipeline.config.yaml_reader.ConfigError: there is no profile 'debug': choose from minimal, standard, diagnostic, research
"""

from collections.abc import Mapping, Sequence
from functools import cache, reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from nissa.pipeline.config.errors import explained
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.config.yaml_reader import ConfigError, mapping, value

__all__ = ["load", "merged", "profiles"]

_DEFAULT = "standard"
_Layer = tuple[str, dict[str, Any]]


class _Wish(NamedTuple):
    """What a user's file says: the name of its base, profiles of its own, and settings over them."""

    base: str | None
    profiles: dict[str, Any]
    settings: dict[str, Any]


def load(profile: str | None = None, file: Path | None = None, overrides: Sequence[str] = ()) -> TelemetryConfig:
    """The configuration of a profile, deep-merged with a file and then with overrides such as "gradients.every=5".

    The file has the keys of TelemetryConfig; `profile: NAME` in it says which profile it builds on ("standard", unless
    it or the argument says otherwise), and under `profiles:` it may define profiles of its own; one with the name of a
    built-in profile goes over that, setting by setting. Raises ConfigError with the source, the key, the value and
    what is allowed, also for a profile of the file that is not asked for.
    """
    wish = _wish(file)
    name = profile or wish.base or _DEFAULT
    known = _builtin() | wish.profiles
    if name not in known:
        where = "" if profile or file is None else f"{file}: "
        raise ConfigError(f"{where}there is no profile {name!r}: choose from {', '.join(known)}")
    return _checked([*_profile(name, wish.profiles, file), (str(file), wish.settings), *map(_override, overrides)])


def profiles(file: Path | None = None) -> list[str]:
    """The names of the profiles, built-in ones first, with those of a file. Raises ConfigError as `load` does."""
    return list(_builtin() | _wish(file).profiles)


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section; what both say is as `high` says, and a list is replaced whole."""
    both = {key: merged(low[key], high[key]) for key in low.keys() & high.keys() if _sections(low[key], high[key])}
    return {**low, **high, **both}


def _profile(name: str, own: Mapping[str, Any], file: Path | None) -> list[_Layer]:
    """What a profile says, with its sources: the built-in one, and over it that of the file."""
    homes = {f"profile {name}": _builtin(), f"{file}, profile {name}": own}
    layers = [(home, _section(found[name], home)) for home, found in homes.items() if name in found]
    return [(layers[0][0], {"profile_name": name}), *layers]


def _sections(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _checked(layers: Sequence[_Layer]) -> TelemetryConfig:
    try:
        return TelemetryConfig.model_validate(reduce(merged, [settings for _, settings in layers]))
    except ValidationError as error:
        raise ConfigError(explained(error, layers)) from None


def _wish(file: Path | None) -> _Wish:
    if file is None:
        return _Wish(None, {}, {})
    try:
        said = mapping(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    base, own = said.pop("profile", None), said.pop("profiles", None)
    if not isinstance(base, str | None):
        raise ConfigError(f"{file}: profile = {base!r}, but it must be the name of a profile")
    profiles = _section(own, f"{file}: profiles")
    for name in profiles:
        if not isinstance(name, str):
            raise ConfigError(f"{file}: profiles: {name!r} cannot be the name of a profile: it must be a text")
        _checked(_profile(name, profiles, file))
    return _Wish(base, profiles, said)


def _section(found: object, source: str) -> dict[str, Any]:
    if not isinstance(found, dict | None):
        raise ConfigError(f"{source}: must hold keys with values, not {found!r}")
    return found or {}


def _override(text: str) -> _Layer:
    source, (key, sign, given) = f"--set {text}", text.partition("=")
    if not sign or not all(path := key.strip().split(".")):
        raise ConfigError(f"{source}: must be KEY=VALUE, such as gradients.every=5")
    inner: Any = value(given, source)
    for part in reversed(path):
        inner = {part: inner}
    return source, inner


@cache
def _builtin() -> dict[str, Any]:
    return mapping(
        files("nissa.pipeline.config").joinpath("profiles.yaml").read_text(encoding="utf-8"), "profiles.yaml"
    )
