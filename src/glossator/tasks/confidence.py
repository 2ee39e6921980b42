"""What a report shows of how sure a model is."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.figures import Figure, Pair, ReliabilityDiagram, Section

__all__ = ["confidence_section", "tempered"]


def confidence_section(figures: Sequence[Figure], aside: Sequence[str]) -> Section:
    """Whether probabilities can be trusted.

    Args:
        figures: that show it.
        aside: how to read them.
    """
    return Section(
        id="confidence",
        title="Can the probabilities be trusted",
        figures=[*figures],
        aside=(*aside,),
        short="Confidence",
    )


def tempered(temperature: float, before: Reliability, after: Reliability, *, of: str = "") -> Pair:
    """Reliability without and with a temperature, side by side.

    Args:
        temperature: what logits are divided by.
        before: without it.
        after: with it.
        of: what is answered, where a section has several.
    """
    return Pair(
        ReliabilityDiagram(f"{of}, as trained" if of else "As trained", before),
        ReliabilityDiagram(f"With temperature {temperature:.2f}", after),
    )
