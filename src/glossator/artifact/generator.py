"""The TextGenerator: texts that a causal language model goes on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glossator.artifact.folder import Details
from glossator.artifact.opened import TOKEN_BUDGET, Opened
from glossator.errors import InputError, TextError
from glossator.models.causal import CausalLanguageModel
from glossator.models.config import GenerationConfig, RuntimeConfig
from glossator.models.generation import Generated
from glossator.tasks.answers import token_batches
from glossator.tasks.text_generation import GeneratedText, TextGeneration

__all__ = ["TextGenerator"]


class TextGenerator(Opened):
    """A causal language model that goes on with texts. Made by `glossator.load`.

    Args:
        model: in float32, on the CPU.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.
    """

    def __init__(
        self,
        model: CausalLanguageModel,
        task: TextGeneration,
        details: Details,
        runtime: RuntimeConfig | None = None,
    ):
        super().__init__(model, task, details, runtime)
        self.model, self.task = model, task

    def predict(
        self,
        texts: Sequence[str],
        config: GenerationConfig | None = None,
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[GeneratedText]:
        """How N texts go on, in order.

        Args:
            texts: N texts; an empty one asks for a text from its beginning.
            config: how tokens are chosen, and how many.
            progress: is told how many texts were answered since the last call.

        Raises:
            InputError: `texts` is a single string.
            TextError: a text is no string, holds a lone surrogate, or leaves no room.
        """
        if isinstance(texts, str):
            raise InputError("expected a list of texts, got a single string; put it in a list")
        config = config or GenerationConfig()
        prompts = self.task.encode(texts)
        for number, (text, prompt) in enumerate(zip(texts, prompts, strict=True)):
            if len(prompt) >= self.task.max_length:
                raise TextError(f"text {number}: {self.task.refusal(text)}")
        # What is added takes room too, and each of the beams its own.
        sizes = [config.beams * (len(prompt) + config.max_new_tokens) for prompt in prompts]
        found: list[Generated | None] = [None] * len(prompts)
        with self._ready():
            order = sorted(range(len(prompts)), key=lambda i: -sizes[i])
            for batch in token_batches(order, sizes, TOKEN_BUDGET):
                ids = [prompts[i] for i in batch]
                for i, one in zip(batch, self.task.answer(self.model, ids, config), strict=True):
                    found[i] = one
                progress(len(batch))
        pairs = zip(found, prompts, strict=True)
        return [self.task.decode(one, prompt) for one, prompt in pairs if one is not None]
