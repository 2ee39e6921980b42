"""Configs: frozen dataclasses from TOML and back."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import reprlib
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from glossator.errors import ConfigError, did_you_mean

__all__ = ["changes", "from_mapping", "line_of", "read_toml", "to_mapping", "to_toml"]

T = TypeVar("T")

# No option needs more, and a float holds hardly more.
_LARGEST = 10**300
# Shows a wrong value in a few words, were it a table of a million rows.
_SHOW = reprlib.Repr()
_SHOW.maxstring = _SHOW.maxother = 60


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: the file is missing or is not TOML; the message names the line.
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError("no such file", file=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"not a TOML file: {error}", file=path) from error


def from_mapping(cls: type[T], mapping: Mapping[str, Any], *, file: str | Path | None = None) -> T:
    """Build a config; dashes in names stand for underscores, and fields left out keep defaults.

    Args:
        cls: a dataclass whose fields are plain values, tuples, paths or such dataclasses.
        mapping: values by field name.
        file: what errors name.

    Raises:
        ConfigError: a name is unknown, or a value is of another type.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values = {}
    for key, value in mapping.items():
        name = key.replace("-", "_")
        if name not in names:
            choices = ", ".join(names)
            hint = did_you_mean(name, names)
            line = None if file is None else line_of(file, key)
            message = f"unknown option '{key}'; there are: {choices}{hint}"
            raise ConfigError(message, file=file, line=line)
        try:
            values[name] = _convert(hints[name], value, key, file)
        except ConfigError as error:
            if file is not None and error.line is None:
                error.line = line_of(file, key)
            raise
    try:
        return cls(**values)
    except ConfigError as error:
        if file is not None and error.file is None:
            flags = {f"--{key.replace('_', '-')}": key for key in mapping}
            named = next((flags[word] for word in error.message.split() if word in flags), None)
            error.file, error.line = str(file), line_of(file, named) if named else None
        raise


def to_mapping(config: Any) -> dict[str, Any]:
    """Plain values of a config by field name; None is left out, since TOML has none."""
    return {
        field.name: _plain(value)
        for field in dataclasses.fields(config)
        if (value := getattr(config, field.name)) is not None
    }


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """For each name whose value is another `epochs was 3, is 5`, as it is typed.

    Args:
        was: values by name; of `training.epochs` the last part is told.
        now: the same later.
    """
    return {
        name: f"{name.rpartition('.')[2].replace('_', '-')} was {was.get(name)}, is {now.get(name)}"
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    }


def to_toml(config: Any) -> str:
    """A config as TOML that `from_mapping` reads back."""
    import tomli_w

    return tomli_w.dumps(to_mapping(config))


def line_of(file: str | Path, key: str) -> int | None:
    """The line of a TOML file on which a key stands; None if on none, or on several."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return None
    name = re.escape(key)
    pattern = re.compile(rf"""\s*(\[\s*["']?{name}["']?\s*\]|["']?{name}["']?\s*[=.])""")
    found = [number for number, line in enumerate(lines, start=1) if pattern.match(line)]
    return found[0] if len(found) == 1 else None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return str(value) if isinstance(value, Path) else value


def _convert(hint: Any, value: Any, key: str, file: str | Path | None) -> Any:
    """`value` as a field of type `hint`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        kinds = _kinds(hint)
        if value is None and len(kinds) < len(arguments):
            return None
        if len(kinds) == 1:
            return _convert(kinds[0], value, key, file)
        for kind in kinds:
            with contextlib.suppress(ConfigError):
                return _convert(kind, value, key, file)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return from_mapping(hint, value, file=file)  # type: ignore[arg-type]
    if origin is Mapping and isinstance(value, Mapping):
        return {
            name.replace("-", "_"): _convert(arguments[1], x, name, file)
            for name, x in value.items()
        }
    if hint is Any:
        return value
    if origin is tuple and isinstance(value, str | list | tuple):
        items = [value] if isinstance(value, str) else value  # one name needs no brackets
        return tuple(_convert(arguments[0], item, key, file) for item in items)
    if origin is Literal and value in arguments:
        return value
    if hint is float and type(value) is int and abs(value) < _LARGEST:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if origin is None and isinstance(value, hint) and (hint is bool or type(value) is not bool):
        return value
    raise ConfigError(f"{key} is {_SHOW.repr(value)}; expected {_named(hint)}", file=file)


def _kinds(hint: Any) -> list[Any]:
    """The types of a union, None left out."""
    return [kind for kind in typing.get_args(hint) if kind is not type(None)]


def _named(hint: Any) -> str:
    """A type in words."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(map(_named, _kinds(hint)))
    if typing.get_origin(hint) is Literal:
        choices = ", ".join(map(str, typing.get_args(hint)))
        return f"one of: {choices}" if "," in choices else choices
    if typing.get_origin(hint) is tuple:
        return f"a list of {_named(typing.get_args(hint)[0])}"
    if typing.get_origin(hint) is Mapping:
        return "a table"
    return "a table of options" if dataclasses.is_dataclass(hint) else str(hint.__name__)
