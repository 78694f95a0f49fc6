"""Which configuration is in force? A profile, with a user's YAML file over it, and single settings over both.

>>> config = load("diagnostic", overrides=["gradients.layers=[conv1,fc]", "history_length=30"])
>>> config.profile_name, config.gradients.layers, config.history_length, config.per_class.track_loss
('diagnostic', ['conv1', 'fc'], 30, True)
>>> load("no")
Traceback (most recent call last):
nissa.pipeline.config.errors.ConfigError: there is no profile 'no': choose from minimal, standard, diagnostic, research
"""

from collections.abc import Mapping, Sequence
from functools import cache, reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from nissa.pipeline.config.errors import ConfigError, explained, quoted
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.config.yaml_reader import mapping, value
from nissa.sinks.printable import shortened

__all__ = ["configuration", "load", "merged", "profile_names"]

_DEFAULT = "standard"
_LONGEST = 100_000
"""Characters of a file; all settings there are take 2,000."""
_Layer = tuple[str, dict[str, Any]]


class _Wish(NamedTuple):
    """What a user's file says: the name of its base, profiles of its own, and settings over them."""

    base: str | None
    profiles: dict[str, Any]
    settings: dict[str, Any]


def load(profile: str | None = None, file: Path | None = None, overrides: Sequence[str] = ()) -> TelemetryConfig:
    """The configuration of a profile, deep-merged with a file and then with overrides such as "gradients.every=5".

    The file holds TelemetryConfig keys. `profile: NAME` picks the base, `standard` by default; an argument goes before
    it. `profiles:` defines your own; one with a built-in name overrides that key by key. Raises ConfigError with the
    source, the key, the value and what is allowed, also for a profile of the file that is not asked for.
    """
    return _merged(profile, _wish(file), "" if file is None else str(file), overrides)


def configuration(config: object) -> TelemetryConfig:
    """What a trainer handed in: a configuration, the name of a profile, or a mapping with the keys of a file.

    Raises ConfigError as `load` does, and TypeError on anything else.

    >>> configuration({"profile": "minimal", "gradients": {"enabled": True, "every": 5}}).gradients.every
    5
    """
    match config:
        case TelemetryConfig():
            return config
        case str():
            return load(config)
        case Mapping():
            return _merged(None, _told(_plain(config), "config"), "config", ())
    raise TypeError(
        "config must be a TelemetryConfig, the name of a profile, a mapping such as "
        f'{{"history_length": 30}}, or load(file=path), not {type(config).__name__}'
    )


def profile_names(file: Path | None = None) -> list[str]:
    """The names of the profiles, built-in ones first, with those of a file. Raises ConfigError as `load` does."""
    return list(_builtin() | _wish(file).profiles)


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section; what both say is as `high` says, and a list is replaced whole."""
    both = {key: merged(low[key], high[key]) for key in low.keys() & high.keys() if _sections(low[key], high[key])}
    return {**low, **high, **both}


def _merged(profile: str | None, wish: _Wish, source: str, overrides: Sequence[str]) -> TelemetryConfig:
    name = profile or wish.base or _DEFAULT
    known = _builtin() | wish.profiles
    if name not in known:
        where = "" if profile or not source else f"{source}: "
        raise ConfigError(f"{where}there is no profile {quoted(name)}: choose from {', '.join(known)}")
    return _checked([*_profile(name, wish.profiles, source), (source, wish.settings), *map(_override, overrides)])


def _plain(settings: Mapping[Any, Any]) -> dict[Any, Any]:
    """A copy in which every section is a dict, as those of a file are."""
    return {key: _plain(value) if isinstance(value, Mapping) else value for key, value in settings.items()}


def _profile(name: str, own: Mapping[str, Any], source: str) -> list[_Layer]:
    """What a profile says, with its sources: the built-in one, and over it the user's."""
    homes = {f"profile {name}": _builtin(), f"{source}, profile {name}": own}
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
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(text) > _LONGEST:
        raise ConfigError(f"{file}: longer than {_LONGEST:,} characters, so it is no configuration")
    return _told(mapping(text, str(file)), str(file))


def _told(settings: dict[str, Any], source: str) -> _Wish:
    """What the keys of a file, or a mapping like it, ask for; profiles among them are checked."""
    base, own = settings.pop("profile", None), settings.pop("profiles", None)
    if not isinstance(base, str | None):
        raise ConfigError(f"{source}: profile = {quoted(base)}, but it must be the name of a profile")
    profiles = _section(own, f"{source}: profiles")
    for name in profiles:
        if not isinstance(name, str):
            raise ConfigError(f"{source}: profiles: {quoted(name)} cannot be the name of a profile: it must be a text")
        _checked(_profile(name, profiles, source))
    return _Wish(base, profiles, settings)


def _section(found: object, source: str) -> dict[str, Any]:
    if not isinstance(found, dict | None):
        raise ConfigError(f"{source}: must hold keys with values, not {quoted(found)}")
    return found or {}


def _override(text: str) -> _Layer:
    source, (key, sign, given) = f"--set {shortened(text, 200)}", text.partition("=")
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
