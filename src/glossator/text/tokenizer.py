"""A trained tokenizer, as a `tokenizer.json` holds it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glossator.errors import ModelFolderError, TextError
from glossator.files import durable_write

if TYPE_CHECKING:
    import tokenizers

__all__ = ["Ids", "Tokenizer"]

Ids = NDArray[np.int32]

_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class _Template:
    """The special tokens around one text: those before it and those after it."""

    before: Ids
    after: Ids


class Tokenizer:
    """Turns texts into ids of the vocabulary.

    Padding and truncation that a `tokenizer.json` asks for are switched off: batches are packed,
    and a long text is read in windows.

    Args:
        inner: the tokenizer of the `tokenizers` library.
        files: what it was read from, by name, for `save`; the folder may be gone by then.
    """

    def __init__(self, inner: tokenizers.Tokenizer, files: Mapping[str, bytes]):
        inner.no_padding()
        inner.no_truncation()
        self._inner = inner
        self._files = dict(files)
        self._template = _template(inner)

    @classmethod
    def load(cls, folder: str | Path) -> Tokenizer:
        """Read `tokenizer.json` of a model folder.

        Raises:
            ModelFolderError: the file is missing or is not a tokenizer.
        """
        import tokenizers

        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise ModelFolderError(
                f"{folder} holds no tokenizer.json; "
                "AutoTokenizer.from_pretrained(...).save_pretrained(...) of transformers writes it"
            )
        try:
            files = {x: file.read_bytes() for x in _FILES if (file := path.with_name(x)).is_file()}
            return cls(tokenizers.Tokenizer.from_buffer(files[path.name]), files)
        except Exception as error:  # the library raises plain Exception
            raise ModelFolderError(f"not a tokenizer: {error}", file=path) from error

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, added tokens counted."""
        return int(self._inner.get_vocab_size())

    @property
    def specials(self) -> int:
        """How many special tokens go around one text."""
        return len(self._template.before) + len(self._template.after)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Ids of each text, without special tokens; an array may be empty.

        Raises:
            TextError: a text is no string, or holds half of a surrogate pair.
        """
        for number, text in enumerate(texts):
            _refuse(text, number)
        # The library's threads die in a forked child; it warns there unless told beforehand.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        encodings = self._inner.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.asarray(encoding.ids, dtype=np.int32) for encoding in encodings]

    def wrap(self, ids: Ids) -> Ids:
        """Put the special tokens around one text's ids."""
        return np.concatenate([self._template.before, ids, self._template.after])

    def save(self, folder: str | Path) -> None:
        """Write the tokenizer's files into `folder`, byte by byte as they were read."""
        for name, data in self._files.items():
            durable_write(Path(folder) / name, data)


def _template(inner: tokenizers.Tokenizer) -> _Template:
    """Read the special tokens off an encoded letter."""
    encoding = inner.encode("a")
    mask = encoding.special_tokens_mask
    ids = np.asarray(encoding.ids, dtype=np.int32)
    inside = [number for number, special in enumerate(mask) if not special]
    first, last = (inside[0], inside[-1] + 1) if inside else (len(ids), len(ids))
    return _Template(ids[:first], ids[last:])


def _refuse(text: object, number: int) -> None:
    """Raise TextError for what is no text; `number` is its place among the texts, from 0."""
    if not isinstance(text, str):
        kind = type(text).__name__
        raise TextError(f"text {number} is {text!r:.60} ({kind}); expected a string")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        message = f"text {number} holds a lone surrogate, which is not a character"
        raise TextError(message) from None
