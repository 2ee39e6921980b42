"""What an endpoint tells of itself, opened as it was asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glossator.models.config import RuntimeConfig
from glossator.serving.app import Told
from glossator.serving.batcher import Measured
from glossator.serving.config import ObservabilityConfig
from glossator.serving.logs import EventLog
from glossator.serving.masks import Masks, ModelNames

if TYPE_CHECKING:
    from glossator.serving.traces import Traces

__all__ = ["Observability", "observing"]


@dataclass(frozen=True, kw_only=True)
class Observability:
    """What is told of requests and batches, beside metrics.

    Attributes:
        log: of events.
        traces: of requests; None: none are made.
        masks: hides personal data.
    """

    log: EventLog
    traces: Traces | None
    masks: Masks

    def tell(self, told: Told) -> None:
        """A request was answered."""
        self.log.tell(told)
        if self.traces is not None:
            self.traces.tell(told)

    def observe(self, model: str, batch: Measured) -> None:
        """A model answered a batch."""
        self.log.observe(model, batch)


@contextlib.contextmanager
def observing(config: ObservabilityConfig, runtime: RuntimeConfig) -> Iterator[Observability]:
    """Begin to log, and to trace where that is asked; at the end nothing is left unsent.

    Raises:
        InputError: the log cannot be written.
        ModelFolderError: the model of names cannot be opened, or finds none.
    """
    names = None if config.mask_names is None else ModelNames.open(config.mask_names, runtime)
    masks = Masks(names, always=config.mask, log=config.log_texts)
    log = EventLog(config.log, config.log_level)
    traces = None if config.otel is None else _traces(config.otel)
    try:
        with log.listening():
            yield Observability(log=log, traces=traces, masks=masks)
    finally:
        if traces is not None:
            traces.close()
        log.close()


def _traces(address: str) -> Traces:
    from glossator.serving.traces import Traces  # of an extra

    return Traces.to(address)
