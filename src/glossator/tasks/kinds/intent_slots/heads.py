"""The two heads on one encoder: one for the tags of words, one for the intent of a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from glossator.errors import ModelFolderError
from glossator.models import checkpoint, families
from glossator.models.encoder import EncoderConfig
from glossator.models.extra_heads import HeadBuilders, load_extra
from glossator.models.heads import ClassificationHead, TokenClassifier
from glossator.models.source import ModelSource
from glossator.tasks.kinds.entities.word_tags import WordTags, read_words
from glossator.tasks.learnable import Batch

__all__ = ["build_frames", "intents_of", "open_frames", "read_frames"]

_HEAD, _FIELD = "intent", "intents"
_FILE = "heads.safetensors"


def intents_of(source: ModelSource) -> tuple[str, ...]:
    """The intents that the head of a folder is for, in the order of its logits; () without one."""
    names: Any = source.raw.get(_FIELD)
    return tuple(map(str, names)) if isinstance(names, list) else ()


def build_frames(
    source: ModelSource, tags: WordTags, intents: Sequence[str], seed: int
) -> TokenClassifier:
    """A model to train: heads of the folder are kept where they have the same tags and intents.

    Args:
        source: the folder.
        tags: of the words.
        intents: name of each.
        seed: of new parameters.
    """
    model = tags.of(checkpoint.load_tagger(source.folder, tags.names, seed=seed, extra=tags.extra))
    head, notes = _kept_or_new(source, intents, seed + 2)  # as no other head of the model begins
    model.extra[_HEAD] = head
    model.encoder.hf_fields = {**model.encoder.hf_fields, _FIELD: list(intents)}
    model.notes = (*model.notes, *notes)
    return model


def _kept_or_new(
    source: ModelSource, intents: Sequence[str], seed: int
) -> tuple[nn.Module, Sequence[str]]:
    """The head for intents, and what is to be said of it; a new one begins as a classifier's."""
    if intents_of(source) == tuple(intents):
        heads, new = load_extra(source.folder, source.config, _builders(len(intents)), seed=seed)
        if not new:
            return heads[_HEAD], ()
    classifier = checkpoint.load_classifier(source.folder, intents, seed=seed)
    note = f"a new head for {len(intents):,} intents was put on {source.folder.name}"
    return classifier.head, [note] if classifier.notes else ()


def open_frames(source: ModelSource, tags: WordTags, intents: Sequence[str]) -> TokenClassifier:
    """The trained model that a folder holds.

    Raises:
        ModelFolderError: its heads were lost, or are of another make.
    """
    extra = {**tags.extra, **_builders(len(intents))}
    model = checkpoint.load_tagger(source.folder, extra=extra)
    if model.notes:
        raise ModelFolderError(
            "a head of this model is missing, that of its intents or of the order of its tags; "
            "copy the file from where it was trained, since transformers leaves it behind",
            file=source.folder / _FILE,
        )
    return tags.of(model)


def read_frames(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, I) logits of the intents of all windows, and (R, C) of the tags of their words."""
    assert isinstance(model, TokenClassifier)
    head: Any = model.extra[_HEAD]
    states = model.encoder(batch.inputs).last  # (T, width)
    read = head.pooling.read(batch.inputs)
    texts = states if read is None else states.index_select(0, read)
    intents = head(head.pooling(texts, batch.inputs).float())
    return intents, model.tagger(states.index_select(0, read_words(batch)).float())


def _builders(intents: int) -> HeadBuilders:
    return {_HEAD: partial(_head, intents)}


def _head(intents: int, config: EncoderConfig) -> ClassificationHead:
    family = families.by_model_type(config.model_type)
    assert family.head is not None, "a folder of a decoder is refused before"
    return family.head(config, intents)
