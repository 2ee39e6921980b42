"""Keys that open an endpoint: made once, shown once, kept as digests."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import tomli_w

from glossator.errors import InputError
from glossator.files import durable_write

__all__ = ["Key", "KeyFile", "Role", "new_key", "of_token"]

Role: TypeAlias = Literal["predict", "metrics", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
_TOKEN = re.compile(r"glo_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is kept of a key.

    Attributes:
        id: names it, in the key itself, in lists and in logs.
        sha256: digest of the whole key, in hexadecimal.
        role: what it opens: answers, metrics, or all.
        created: when it was made, ISO 8601 in UTC.
        expires: from when on it opens nothing; empty: never.
        models: the models that it sees; empty: all.
        name: whose it is.
    """

    id: str
    sha256: str
    role: Role
    created: str
    expires: str = ""
    models: Sequence[str] = ()
    name: str = ""

    def opens(self, token: str, now: datetime) -> bool:
        """Whether this is the key, in a time that hangs on neither, and still valid."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        same = hmac.compare_digest(digest, self.sha256)
        return same and not (self.expires and datetime.fromisoformat(self.expires) <= now)

    def sees(self, model: str) -> bool:
        """Whether a model is shown to it."""
        return not self.models or model in self.models


def new_key(
    role: Role,
    *,
    name: str = "",
    models: Iterable[str] = (),
    expires: datetime | None = None,
    now: datetime | None = None,
) -> tuple[str, Key]:
    """A key of 256 random bits, and what is kept of it."""
    number = secrets.token_hex(6)
    token = f"glo_{number}_{secrets.token_urlsafe(32)}"
    made = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return token, Key(
        id=number,
        sha256=hashlib.sha256(token.encode()).hexdigest(),
        role=role,
        created=made,
        expires=expires.isoformat(timespec="seconds") if expires else "",
        models=tuple(models),
        name=name,
    )


def of_token(keys: Mapping[str, Key], token: str, now: datetime) -> Key | None:
    """The key that a token is, if it is one and valid."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    key = keys.get(found[1])
    return key if key is not None and key.opens(token, now) else None


class KeyFile:
    """A file of keys, which only its owner reads; a change is seen at the next look.

    Args:
        path: a TOML file; it need not be there yet.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def keys(self) -> Mapping[str, Key]:
        """The keys by their ids, read again where the file has changed.

        Raises:
            InputError: it is missing, others can read it, or it is no file of keys.
        """
        try:
            found = self.path.stat()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=self.path) from None
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        if state != self._seen:
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise InputError(f"others can read it; run: chmod 600 {self.path}", file=self.path)
            self._keys, self._seen = self._read(), state
        return self._keys

    def add(self, key: Key) -> None:
        """Keep one more.

        Raises:
            InputError: as for `keys`.
            OSError: the disk is full or read-only; the file is then as it was.
        """
        there = dict(self.keys()) if self.path.exists() else {}
        self._write([*there.values(), key])

    def remove(self, number: str) -> Key:
        """Forget one, which opens nothing from now on.

        Raises:
            InputError: as for `keys`, or there is none of this id.
        """
        there = dict(self.keys())
        if number not in there:
            listed = ", ".join(there) or "none"
            raise InputError(f"has no key {number}; it has: {listed}", file=self.path)
        removed = there.pop(number)
        self._write(there.values())
        return removed

    def _read(self) -> dict[str, Key]:
        try:
            rows = tomllib.loads(self.path.read_text(encoding="utf-8")).get("keys", [])
            keys = [Key(**row) for row in rows]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, AttributeError) as error:
            raise InputError(f"is no file of keys: {error}", file=self.path) from None
        for key in keys:
            if wrong := _wrong_with(key):
                raise InputError(f"key {key.id!r:.60} has {wrong}", file=self.path)
        return {key.id: replace(key, models=tuple(key.models)) for key in keys}

    def _write(self, keys: Iterable[Key]) -> None:
        rows: list[dict[str, Any]] = [
            {name: list(x) if isinstance(x, tuple) else x for name, x in asdict(key).items()}
            for key in keys
        ]
        before = os.umask(0o077)  # or it would be open to others for a moment
        try:
            durable_write(self.path, tomli_w.dumps({"keys": rows}))
        finally:
            os.umask(before)


def _wrong_with(key: Key) -> str:
    """What cannot stand in a file of keys, which may have been written by hand."""
    for name, value in asdict(key).items():
        if name == "models":
            if not isinstance(value, list | tuple) or not all(isinstance(x, str) for x in value):
                return f"the models {value!r:.60}; expected a list of names"
        elif not isinstance(value, str):
            return f"the {name} {value!r:.60}; expected a text in quotes"
    if key.role not in ROLES:
        return f"the role {key.role!r:.60}; expected {', '.join(ROLES)}"
    return (
        ""
        if not key.expires or _is_moment(key.expires)
        else (
            f"the expiry {key.expires!r:.60}; expected a moment such as 2030-12-31T00:00:00+00:00"
        )
    )


def _is_moment(text: str) -> bool:
    """Whether a text is a moment that can be told from now."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
