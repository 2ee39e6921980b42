"""A trained tokenizer, as a `tokenizer.json` holds it."""

from __future__ import annotations

import json
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

    @property
    def specials_before(self) -> int:
        """How many of them stand before the text."""
        return len(self._template.before)

    @property
    def special_ids(self) -> Ids:
        """Ids of the special tokens, rising."""
        added = self._inner.get_added_tokens_decoder()
        return np.array(sorted(i for i, token in added.items() if token.special), np.int32)

    @property
    def mask_id(self) -> int | None:
        """Id of the token that stands for a hidden one, if there is one."""
        return self._role("mask_token", "[MASK]", "<mask>")

    @property
    def pad_id(self) -> int | None:
        """Id of the token that fills rows up elsewhere, if there is one."""
        return self._role("pad_token", "[PAD]", "<pad>")

    @property
    def end_id(self) -> int | None:
        """Id of the token that ends a text, if there is one."""
        return self._role("eos_token", "<|endoftext|>", "</s>", "[SEP]")

    @property
    def keeps_lines(self) -> bool:
        """Whether tokens tell where a line ends, as those of bytes do."""
        return self.decode(self.encode(["a\nb"])[0]) == "a\nb"

    @property
    def unknown_id(self) -> int | None:
        """Id of the token that stands for what the vocabulary lacks, if there is one."""
        return self._role("unk_token", "[UNK]", "<unk>")

    @property
    def vocabulary(self) -> list[str]:
        """The piece of each id; empty for an id that has none."""
        pieces = [""] * (1 + max(self._inner.get_vocab().values()))
        for piece, i in self._inner.get_vocab().items():
            pieces[i] = piece
        return pieces

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of ids, special tokens left out."""
        return str(self._inner.decode([int(i) for i in ids], skip_special_tokens=True))

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

    def encode_with_starts(self, texts: Sequence[str]) -> list[tuple[Ids, list[int]]]:
        """As `encode`, and beside each id the character of its text at which the token begins."""
        for number, text in enumerate(texts):
            _refuse(text, number)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        encodings = self._inner.encode_batch(list(texts), add_special_tokens=False)
        return [(np.asarray(e.ids, np.int32), [start for start, _ in e.offsets]) for e in encodings]

    def to_json(self) -> str:
        """All of it, as `tokenizer.json` has it."""
        return str(self._inner.to_str())

    def wrap(self, ids: Ids) -> Ids:
        """Put the special tokens around one text's ids."""
        return np.concatenate([self._template.before, ids, self._template.after])

    def _role(self, role: str, *usual: str) -> int | None:
        """Id of the token that `tokenizer_config.json` gives a role, or of one so called."""
        config = json.loads(self._files.get("tokenizer_config.json", b"{}"))
        named = config.get(role)
        names = [named["content"] if isinstance(named, dict) else named] if named else usual
        found = (self._inner.token_to_id(name) for name in names)
        return next((i for i in found if i is not None), None)

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
