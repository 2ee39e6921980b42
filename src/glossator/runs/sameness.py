"""Whether a run that is taken up is the one that was begun."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from glossator.config import changes, from_mapping, read_toml, to_mapping
from glossator.errors import CheckpointError, ConfigError
from glossator.files import durable_write

__all__ = ["CONFIG", "refuse_other_run", "write_made_of"]

CONFIG = "config.toml"
_MADE_OF = "made-of.json"


def write_made_of(run: Path, made_of: Mapping[str, str]) -> None:
    """Keep the digests of what a run is made of, by what they are of."""
    durable_write(run / _MADE_OF, json.dumps(made_of, indent=2) + "\n")


def refuse_other_run(
    run: Path, config: Any, made_of: Mapping[str, str], *, free: Collection[str]
) -> None:
    """Raise CheckpointError where a run was begun with other options, or of other things.

    Args:
        run: its folder.
        config: the resolved options, a dataclass.
        made_of: digests, by what they are of; one that the run did not write down is not compared.
        free: options and groups of options, with dots (`training.time_limit`), that may change.
    """
    try:
        saved = from_mapping(type(config), read_toml(run / CONFIG))
    except ConfigError as error:
        raise CheckpointError(f"not what a run wrote: {error.message}", file=error.file) from None
    options = changes(_flat(to_mapping(saved)), _flat(to_mapping(config)))
    found = [text for name, text in options.items() if not _is_free(name, free)]
    if found:
        raise CheckpointError(
            f"the run was begun with other options, and going on would alter what is done: "
            f"{'; '.join(found)}. Repeat them, or begin anew with --overwrite",
            file=run,
        )
    path = run / _MADE_OF
    was = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    changed = [name for name, digest in was.items() if made_of.get(name) != digest]
    if changed:
        raise CheckpointError(
            f"the run was begun with other {' and '.join(changed)}. "
            "Give the same, or begin anew with --overwrite",
            file=run,
        )


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"training": {"epochs": 3}}` as `{"training.epochs": 3}`."""
    flat: dict[str, Any] = {}
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _is_free(name: str, free: Collection[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in free)
