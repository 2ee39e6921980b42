"""A trained tokenizer, as a `tokenizer.json` holds it."""

from __future__ import annotations

import copy
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from glossator.errors import ModelFolderError, TextError
from glossator.files import durable_write
from glossator.text.special_tokens import leaking, marking, without_specials

if TYPE_CHECKING:
    import tokenizers

__all__ = ["Ids", "Tokenizer"]

Ids = NDArray[np.int32]

_FILES = ("tokenizer.json", "tokenizer_config.json")


_MARKS = ("\u0120", "\u2581")  # of a space, in the pieces of bytes and of Unigram


@dataclass(frozen=True)
class _Run:
    """Special tokens that stand together, and their segment ids."""

    ids: Ids
    segments: Ids


@dataclass(frozen=True)
class _Template:
    """The special tokens around one text or two.

    Attributes:
        runs: those before the first text, those after it, and those after the second.
        segments: segment id of each text.
    """

    runs: tuple[_Run, ...]
    segments: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many special tokens there are."""
        return sum(len(run.ids) for run in self.runs)

    def wrap(self, *texts: Ids) -> Ids:
        """The ids of the texts with the special tokens around them."""
        parts = [self.runs[0].ids]
        for text, run in zip(texts, self.runs[1:], strict=True):
            parts += [text, run.ids]
        return np.concatenate(parts)

    def segments_of(self, *lengths: int) -> Ids:
        """The segment ids of texts of such lengths, special tokens counted."""
        parts = [self.runs[0].segments]
        for length, segment, run in zip(lengths, self.segments, self.runs[1:], strict=True):
            parts += [np.full(length, segment, np.int32), run.segments]
        return np.concatenate(parts)


class Tokenizer:
    """Turns texts into ids of the vocabulary.

    Padding and truncation that a `tokenizer.json` asks for are switched off: batches are packed,
    and a long text is read in windows. A special token (`[SEP]`, `</s>`) that stands in a text is
    text, and gets the ids of its letters: whoever typed it can end no text.

    Args:
        inner: the tokenizer of the `tokenizers` library.
        files: what it was read from, by name, for `save`; the folder may be gone by then.
    """

    def __init__(self, inner: tokenizers.Tokenizer, files: Mapping[str, bytes]):
        inner.no_padding()
        inner.no_truncation()
        self._inner = inner
        self._files = dict(files)
        self._single, self._pair = _template(inner, texts=1), _template(inner, texts=2)
        inner.encode_special_tokens = True
        self._reader, self._leaking = inner, leaking(inner)
        self._unknown = -1 if self.unknown_id is None else self.unknown_id

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
        return self._single.count

    @property
    def pair_specials(self) -> int:
        """How many special tokens go around two texts."""
        return self._pair.count

    @property
    def specials_before(self) -> int:
        """How many special tokens stand before a text, or before the first of two."""
        return len(self._single.runs[0].ids)

    def second_place(self, first: int) -> int:
        """The place of the second of two texts in a wrapped pair whose first has `first` tokens."""
        before, between, _ = self._pair.runs
        return len(before.ids) + first + len(between.ids)

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
        _refuse(texts)
        encodings = self._reader.encode_batch_fast(list(texts), add_special_tokens=False)
        return [
            _ids(self._strictly(text, encoding))
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[Ids, NDArray[np.int32]]]:
        """As `encode`, and beside the n ids of a text the (n, 2) characters they stand for.

        A token stands for `text[start:end]`: without spaces around it, with the marks (accents)
        on its last letter, even where they are dropped. All tokens of a character that is cut
        into bytes stand for the whole of it. A token that only marks a space stands for nothing
        (`start == end`), one of other white space for that. Starts and ends never fall.

        Raises:
            TextError: as for `encode`.
        """
        _refuse(texts)
        encodings = self._reader.encode_batch(list(texts), add_special_tokens=False)
        found = [self._strictly(*pair) for pair in zip(texts, encodings, strict=True)]
        return [
            (_ids(encoding), _offsets(text, encoding, self._shows_nothing))
            for text, encoding in zip(texts, found, strict=True)
        ]

    def encode_words(self, texts: Sequence[Sequence[str]]) -> list[tuple[Ids, NDArray[np.int32]]]:
        """Ids of texts that are cut into words, and beside the n ids the (n,) number of each word.

        A word may have no token. Where pieces of bytes tell by a space before them that a word
        begins, each word is read as if one stood there (`add_prefix_space` of transformers).

        Raises:
            TextError: as for `encode`.
        """
        for number, words in enumerate(texts):
            _refuse(words, f"text {number}, word")
        encodings = self._for_words.encode_batch(
            [list(words) for words in texts], is_pretokenized=True, add_special_tokens=False
        )
        found = [self._strictly(*pair) for pair in zip(texts, encodings, strict=True)]
        return [(_ids(encoding), np.array(encoding.word_ids, np.int32)) for encoding in found]

    def with_masks(self) -> Self:
        """The same tokenizer, to which the mask token in a text is special."""
        found = copy.copy(self)
        for name in ("_for_words", "_strict", "_strict_for_words"):
            vars(found).pop(name, None)  # they are made of the reader
        if self.mask_id is not None:
            mask = self.vocabulary[self.mask_id]
            found._reader = marking(self._inner, mask)
            found._leaking = {i: x for i, x in self._leaking.items() if i != self.mask_id}
        return found

    def to_json(self) -> str:
        """All of it, as `tokenizer.json` has it."""
        return str(self._inner.to_str())

    def wrap(self, ids: Ids, pair: Ids | None = None) -> Ids:
        """Put the special tokens around one text's ids, or around those of two."""
        return self._single.wrap(ids) if pair is None else self._pair.wrap(ids, pair)

    def segments(self, first: int, second: int) -> Ids | None:
        """Segment ids of a wrapped pair of texts of so many tokens each; None where all are 0."""
        segments = self._pair.segments_of(first, second)
        return segments if segments.any() else None

    def shows(self, ids: Ids) -> NDArray[np.bool_]:
        """(n,) whether each piece shows more than that a space stood before it."""
        return ~self._shows_nothing[ids]

    @cached_property
    def _shows_nothing(self) -> NDArray[np.bool_]:
        """(V,) whether a piece is nothing but marks of a space."""
        return np.array([bool(x) and not x.strip("".join(_MARKS)) for x in self.vocabulary])

    @cached_property
    def _for_words(self) -> tokenizers.Tokenizer:
        """The tokenizer, each word of which begins as after a space."""
        import tokenizers

        fields = json.loads(self.to_json())
        bare = [x for x in _byte_levels(fields["pre_tokenizer"]) if not x["add_prefix_space"]]
        if not bare:
            return self._reader
        for step in bare:
            step["add_prefix_space"] = True
        inner = tokenizers.Tokenizer.from_str(json.dumps(fields))
        inner.encode_special_tokens = True
        return inner

    @cached_property
    def _strict(self) -> tokenizers.Tokenizer:
        """Out of which no special token comes; made where one did, since it takes its memory."""
        return without_specials(self._reader)

    @cached_property
    def _strict_for_words(self) -> tokenizers.Tokenizer:
        """As `_strict`, each word of which begins as after a space."""
        same = self._for_words is self._reader
        return self._strict if same else without_specials(self._for_words)

    def _strictly(
        self, text: str | Sequence[str], encoding: tokenizers.Encoding
    ) -> tokenizers.Encoding:
        """The encoding of a text, or of its words, made anew where a special token came out."""
        if not self._leaking or not self._leaks(text, encoding.ids):
            return encoding
        if isinstance(text, str):
            return self._strict.encode(text, add_special_tokens=False)
        return self._strict_for_words.encode(
            list(text), is_pretokenized=True, add_special_tokens=False
        )

    def _leaks(self, text: str | Sequence[str], ids: Sequence[int]) -> bool:
        # What the vocabulary lacks has the id of its token too: there it has to be typed.
        unknown = self._leaking.get(self._unknown)
        typed = unknown is not None and any(
            unknown in part for part in ([text] if isinstance(text, str) else text)
        )
        return typed or not (self._leaking.keys() - {self._unknown}).isdisjoint(ids)

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


def _template(inner: tokenizers.Tokenizer, *, texts: int) -> _Template:
    """Read the special tokens off an encoded letter, or off two."""
    encoding = inner.encode("a") if texts == 1 else inner.encode("a", "a")
    ids, segments = _ids(encoding), np.asarray(encoding.type_ids, np.int32)
    runs, kinds, end = [], [], 0
    for number in range(texts):
        inside = [i for i, owner in enumerate(encoding.sequence_ids) if owner == number]
        first, last = (inside[0], inside[-1] + 1) if inside else (len(ids), len(ids))
        runs.append(_Run(ids[end:first], segments[end:first]))
        kinds.append(int(segments[first]) if inside else 0)
        end = last
    return _Template((*runs, _Run(ids[end:], segments[end:])), tuple(kinds))


def _ids(encoding: tokenizers.Encoding) -> Ids:
    return np.asarray(encoding.ids, dtype=np.int32)


def _offsets(
    text: str, encoding: tokenizers.Encoding, shows_nothing: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """(n, 2) see `encode_with_offsets`."""
    found = np.array(encoding.offsets, np.int64).reshape(-1, 2)
    starts, ends = found.T
    space = np.array([character.isspace() for character in text], bool)
    after, before = _next(~space), _past_last(~space)
    blank = after[starts] >= ends  # spaces alone, or nothing
    starts, ends = np.where(blank, (starts, ends), (after[starts], before[ends]))
    written = np.array([*(character in _MARKS for character in text), False])[starts]
    ends = np.where(~written & shows_nothing[encoding.ids], starts, ends)
    if not text.isascii():
        mark = np.array([unicodedata.category(character)[0] == "M" for character in text], bool)
        following = np.append(starts[1:], len(text))
        with_marks = np.minimum(_next(~mark)[ends], following)
        ends = np.where(starts < ends, np.maximum(ends, with_marks), ends)
    return np.stack([np.maximum.accumulate(x) for x in (starts, ends)], 1).astype(np.int32)


def _next(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n + 1,) the first place with a flag from each place on, n where there is none."""
    n = len(flags)
    places = np.append(np.where(flags, np.arange(n), n), n)
    return np.minimum.accumulate(places[::-1])[::-1]


def _past_last(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n + 1,) one past the last place with a flag before each place, 0 where there is none."""
    places = np.append(0, np.where(flags, np.arange(1, len(flags) + 1), 0))
    return np.maximum.accumulate(places)


def _byte_levels(step: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
    """The steps of a pre-tokenizer that turn characters into bytes."""
    if step is None:
        return []
    inner = step.get("pretokenizers", [])
    return [step] if step["type"] == "ByteLevel" else [y for x in inner for y in _byte_levels(x)]


def _refuse(texts: Iterable[object], kind: str = "text") -> None:
    """Raise TextError if one is no text, and set the library up for those that are."""
    for number, text in enumerate(texts):
        _refuse_text(text, f"{kind} {number}")
    # The library's threads die in a forked child; it warns there unless told beforehand.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


def _refuse_text(text: object, name: str) -> None:
    """Raise TextError for what is no text."""
    if not isinstance(text, str):
        kind = type(text).__name__
        raise TextError(f"{name} is {text!r:.60} ({kind}); expected a string")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        message = f"{name} holds a lone surrogate, which is not a character"
        raise TextError(message) from None
