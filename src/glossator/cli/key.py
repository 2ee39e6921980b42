"""`glossator key`: keys that open an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from glossator.cli.options import FLAT, Shown
from glossator.cli.screen import Screen
from glossator.errors import ConfigError, InputError
from glossator.serving.keys import Key, KeyFile, Role, new_key

__all__ = ["CreateOptions", "create_", "list_", "revoke_", "rotate_"]

_SHOWN = Shown()
_DAYS = {"d": 1, "w": 7, "y": 365}


@dataclass(frozen=True, kw_only=True)
class CreateOptions:
    """What a key is for.

    Attributes:
        output: file of keys, made if it is missing; only its owner reads it.
        role: predict answers, metrics reads measurements, admin does all.
        models: that it sees, with commas between; by default all.
        expires: after how long it opens nothing, such as 90d, 12w or 1y; by default never.
        name: whose it is.
        shown: how the result is told.
    """

    output: Path = Path("keys.toml")
    role: Role = "predict"
    models: str = ""
    expires: str | None = None
    name: str = ""
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = CreateOptions()


def create_(*, options: Annotated[CreateOptions, FLAT] = _DEFAULTS) -> int:
    """Make a key, and show it this once.

    Args:
        options: what it is for.
    """
    models = [name.strip() for name in options.models.split(",") if name.strip()]
    expires = None if options.expires is None else _moment(options.expires)
    token, key = new_key(options.role, name=options.name, models=models, expires=expires)
    KeyFile(options.output).add(key)
    _show(Screen(json=options.shown.json), token, key, options.output)
    return 0


def list_(file: Path, /, *, shown: Annotated[Shown, FLAT] = _SHOWN) -> int:
    """List the keys of a file, without what opens.

    Args:
        file: of keys.
        shown: how the result is told.
    """
    keys = list(KeyFile(file).keys().values())
    screen = Screen(json=shown.json)
    screen.json({"keys": [_told(key) for key in keys]})
    for key in keys:
        screen.line("  ".join(str(x) for x in _told(key).values() if x))
    return 0


def revoke_(file: Path, number: str, /, *, shown: Annotated[Shown, FLAT] = _SHOWN) -> int:
    """Forget a key: it opens nothing from now on, also where a server runs.

    Args:
        file: of keys.
        number: the key's id, as `key list` shows it.
        shown: how the result is told.
    """
    key = KeyFile(file).remove(number)
    screen = Screen(json=shown.json)
    screen.json({"revoked": _told(key)})
    screen.line(f"{key.id} is revoked")
    return 0


def rotate_(file: Path, number: str, /, *, shown: Annotated[Shown, FLAT] = _SHOWN) -> int:
    """Put a new key in the place of one, with the same role and models, and show it this once.

    Args:
        file: of keys.
        number: the old key's id; it opens nothing from now on.
        shown: how the result is told.
    """
    kept = KeyFile(file)
    old = kept.keys().get(number)
    if old is None:
        raise InputError(f"has no key {number}", file=file)
    expires = datetime.fromisoformat(old.expires) if old.expires else None
    token, key = new_key(old.role, name=old.name, models=old.models, expires=expires)
    kept.add(key)
    kept.remove(number)
    _show(Screen(json=shown.json), token, key, file)
    return 0


def _show(screen: Screen, token: str, key: Key, file: Path) -> None:
    screen.json({"key": token, **_told(key), "file": str(file)})
    screen.line(token)
    screen.say(f"this is key {key.id} ({key.role}); it is not shown again: {file} has its digest")


def _told(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "role": key.role,
        "name": key.name,
        "models": list(key.models),
        "created": key.created,
        "expires": key.expires,
    }


def _moment(text: str) -> datetime:
    """The moment so long from now.

    Raises:
        ConfigError: it is no length of time.
    """
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _DAYS or not 0 < int(number) <= 10_000:
        raise ConfigError(f"--expires is '{text}'; expected days, weeks or years: 90d, 12w, 1y")
    return datetime.now(UTC) + timedelta(days=int(number) * _DAYS[unit])
