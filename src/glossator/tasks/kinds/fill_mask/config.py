"""What filling masks reads."""

from __future__ import annotations

from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG"]

CONFIG = KindConfig(
    name="fill-mask",
    summary="which tokens fit in the gaps of a text",
    roles=(Role(name="text", help="of the text", many=True),),
    opens_as="AutoModelForMaskedLM",
)
