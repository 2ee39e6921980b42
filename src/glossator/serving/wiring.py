"""What an endpoint is joined to: who is told, what is hidden, what it shares with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from glossator.artifact.opening import OpenedAs
from glossator.serving.app import Told
from glossator.serving.batcher import Measured
from glossator.serving.desired_models import DesiredModels
from glossator.serving.masks import Masks
from glossator.serving.shared import Shared

__all__ = ["Wiring"]


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What an endpoint is joined to; by default it stands alone.

    Attributes:
        tell: is told of each request, beside the metrics, and
        observe: of each batch, with the name of the model.
        masks: hides personal data.
        shared: what its process has in common with others.
        desired: what is to be served, by this worker as by others; by default its own folders.
        opened_as: as what the models with which it begins are opened.
    """

    tell: Callable[[Told], None] = _nothing
    observe: Callable[[str, Measured], None] = _nothing
    masks: Masks = field(default_factory=Masks)
    shared: Shared | None = None
    desired: DesiredModels | None = None
    opened_as: OpenedAs = field(default_factory=OpenedAs)
