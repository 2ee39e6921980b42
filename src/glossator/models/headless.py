"""An encoder without a head that Hugging Face knows."""

from __future__ import annotations

from torch import Tensor, nn

from glossator.models.encoder import Encoder
from glossator.text.packing import PackedBatch

__all__ = ["EncoderModel"]


class EncoderModel(nn.Module):
    """An encoder, with heads of its own or none.

    Args:
        encoder: the encoder.
        extra: modules that no class of Hugging Face reads, see `extra_heads`.

    Attributes:
        notes: what a reader of the model should know, such as that a head is new.
    """

    def __init__(self, encoder: Encoder, extra: nn.ModuleDict | None = None):
        super().__init__()
        self.encoder = encoder
        self.extra = extra or nn.ModuleDict()
        self.notes: tuple[str, ...] = ()

    def forward(self, batch: PackedBatch, rows: Tensor | None = None) -> Tensor:
        """(R, width) float32 final states of the rows asked for, all T of them by default.

        Args:
            batch: B texts of T tokens.
            rows: (R,) row numbers in rising order.
        """
        return self.encoder(batch, read=rows).last.float()  # type: ignore[no-any-return]
