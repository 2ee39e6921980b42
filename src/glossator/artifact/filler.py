"""The MaskFiller: answers of a masked language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glossator.artifact.folder import Details
from glossator.artifact.opened import TOKEN_BUDGET, Opened
from glossator.errors import InputError, TextError
from glossator.models.config import RuntimeConfig
from glossator.models.masked import MaskedLanguageModel
from glossator.tasks.answers import token_batches
from glossator.tasks.fill_mask import FilledMasks, FillMask, Gap

__all__ = ["MaskFiller"]


class MaskFiller(Opened):
    """A masked language model that fills gaps. Made by `glossator.load`.

    Args:
        model: in float32, on the CPU.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.
    """

    def __init__(
        self,
        model: MaskedLanguageModel,
        task: FillMask,
        details: Details,
        runtime: RuntimeConfig | None = None,
    ):
        super().__init__(model, task, details, runtime)
        self.model, self.task = model, task

    def answers(self, texts: Sequence[str], *, top_k: int = 3) -> list[FilledMasks]:
        """As `predict`."""
        return self.predict(texts, top_k=top_k)

    def predict(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[FilledMasks]:
        """The answers for N texts, in order.

        Args:
            texts: N texts, each with at least one mask token.
            top_k: how many tokens are listed for each gap.
            progress: is told how many windows were answered since the last call.

        Raises:
            InputError: `texts` is a single string.
            TextError: a text is no string, holds a lone surrogate, or has no mask token.
        """
        if isinstance(texts, str):
            raise InputError("expected a list of texts, got a single string; put it in a list")
        rows = self.task.encode(texts)
        for number, text in enumerate(texts):
            if why := self.task.refusal(text):
                raise TextError(f"text {number}: {why}")
        flat = [example for row in rows for example in row]
        lengths = [len(example.tokens) for example in flat]
        budget = 1 if self.runtime.precision == "exact" else TOKEN_BUDGET
        gaps: list[list[Gap]] = [[] for _ in flat]
        with self._ready():
            order = sorted(range(len(flat)), key=lambda i: -lengths[i])
            for batch in token_batches(order, lengths, budget):
                found = self.task.answer(self.model, [flat[i] for i in batch], top_k)
                for i, one in zip(batch, found, strict=True):
                    gaps[i] = one
                progress(len(batch))
        rest = iter(gaps)
        return [self.task.decode(self.task.combine([next(rest) for _ in r]), r) for r in rows]
