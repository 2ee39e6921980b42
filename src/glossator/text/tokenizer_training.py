"""Training tokenizers on one's own text."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from glossator.errors import ConfigError, InputError
from glossator.files import disk_errors_named
from glossator.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import tokenizers

__all__ = ["KINDS", "TokenizerConfig", "TokenizerKind", "train_tokenizer"]

TokenizerKind = Literal["wordpiece", "bpe", "unigram"]
KINDS: tuple[TokenizerKind, ...] = ("wordpiece", "bpe", "unigram")

_BERT_ROLES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_SMALLEST = 300  # more than there are bytes, which bpe begins with
_SENTINELS = 100  # of T5, which stand for spans that were taken out


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """How a tokenizer is trained.

    Attributes:
        kind: wordpiece as BERT's, with Chinese characters apart; bpe of bytes as GPT-2's; unigram
            as T5's.
        vocab_size: pieces of the vocabulary, special ones counted.
        cased: with wordpiece: whether case and accents are kept.
        min_frequency: times that a pair must occur to become a piece.
    """

    kind: TokenizerKind = "wordpiece"
    vocab_size: int = 30522
    cased: bool = False
    min_frequency: int = 2

    def __post_init__(self) -> None:
        if not _SMALLEST <= self.vocab_size <= 2**24:
            raise ConfigError(
                f"--vocab-size must be from {_SMALLEST} to 2^24, got {self.vocab_size}"
            )
        if self.min_frequency < 1:
            raise ConfigError(f"--min-frequency must be 1 or more, got {self.min_frequency}")


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig) -> Tokenizer:
    """Train a tokenizer; the same texts and options give the same one.

    Args:
        texts: sentences or documents.
        config: how.

    Raises:
        InputError: the texts do not support a vocabulary of that size, or hold nothing at all.

    Source: Schuster and Nakajima 2012, "Japanese and Korean voice search" (WordPiece); Sennrich et
    al. 2016, "Neural machine translation of rare words with subword units", over bytes as in
    Radford et al. 2019 (BPE); Kudo 2018, "Subword regularization" (Unigram). Training is that of
    the library tokenizers.
    """
    if config.kind == "wordpiece":
        inner, roles = _wordpiece(texts, config)
    else:
        inner, trainer, roles = (_bpe if config.kind == "bpe" else _unigram)(config)
        inner.train_from_iterator(texts, trainer)
        inner = _rounded(inner) if config.kind == "unigram" else inner
    got = inner.get_vocab_size()
    if got < config.vocab_size:
        fewer = f"--vocab-size {got} or fewer, or more text" if got >= _SMALLEST else ""
        raise InputError(
            f"the texts support a vocabulary of {got:,} pieces, not of {config.vocab_size:,}; "
            f"{fewer or 'more text is needed'}"
        )
    _finish(inner, config.kind)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 10**9,
        "clean_up_tokenization_spaces": False,
        **roles,
    }
    files = {
        "tokenizer.json": inner.to_str(pretty=True).encode(),
        "tokenizer_config.json": (json.dumps(settings, indent=2) + "\n").encode(),
    }
    return Tokenizer(inner, files)


def _wordpiece(texts: Iterable[str], config: TokenizerConfig) -> tuple[Any, dict[str, str]]:
    """Trained on words with their letters given beforehand.

    The library numbers the letters inside words in the order of a hash table, which is another in
    each process, and breaks ties between pairs by these numbers. Given as special tokens they have
    numbers of ours; they are special no more in the tokenizer that is made of the vocabulary.
    """
    from tokenizers import Tokenizer as Inner
    from tokenizers import models, trainers

    special = list(_BERT_ROLES.values())
    with (
        disk_errors_named(tempfile.gettempdir()),
        tempfile.TemporaryFile("w+", encoding="utf-8") as spool,
    ):
        letters, inside = _letters(_bert(Inner(models.WordPiece()), config), texts, spool)
        most = config.vocab_size // 2
        while True:
            alphabet = sorted(letters[:most])
            joined = [f"##{letter}" for letter in alphabet if letter in inside]
            trainer = trainers.WordPieceTrainer(
                vocab_size=config.vocab_size,
                min_frequency=config.min_frequency,
                special_tokens=[*special, *alphabet, *joined],
                limit_alphabet=len(alphabet),
                initial_alphabet=alphabet,
                show_progress=False,
            )
            spool.seek(0)
            inner = _bert(Inner(models.WordPiece(unk_token="[UNK]")), config)
            inner.train_from_iterator(spool, trainer)
            # Of Chinese, whose characters stand apart, letters are what fills a vocabulary.
            missing = config.vocab_size - inner.get_vocab_size()
            if missing <= 0 or most >= len(letters):
                break
            most += missing
    model = models.WordPiece(inner.get_vocab(), unk_token="[UNK]")
    trained = _bert(Inner(model), config)
    trained.add_special_tokens(special)
    return trained, _BERT_ROLES


def _bert(inner: tokenizers.Tokenizer, config: TokenizerConfig) -> tokenizers.Tokenizer:
    """The tokenizer with BERT's rules around its model."""
    from tokenizers import decoders, normalizers, pre_tokenizers

    inner.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=True, strip_accents=not config.cased, lowercase=not config.cased
    )
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    return inner


def _letters(
    inner: tokenizers.Tokenizer, texts: Iterable[str], spool: IO[str]
) -> tuple[list[str], set[str]]:
    """The letters, the most frequent first, and which stand inside words; texts are spooled."""
    words: Counter[str] = Counter()
    for text in texts:
        spool.write(" ".join(text.split()) + "\n")
        normal = inner.normalizer.normalize_str(text)
        words.update(word for word, _ in inner.pre_tokenizer.pre_tokenize_str(normal))
    letters: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            letters[letter] += count
    ranked = sorted(letters, key=lambda letter: (-letters[letter], letter))
    return ranked, {letter for word in words for letter in word[1:]}


def _bpe(config: TokenizerConfig) -> tuple[Any, Any, dict[str, str]]:
    from tokenizers import Tokenizer as Inner
    from tokenizers import decoders, models, pre_tokenizers, trainers

    end = "<|endoftext|>"
    inner = Inner(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        special_tokens=[end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return inner, trainer, {"bos_token": end, "eos_token": end, "unk_token": end}


def _unigram(config: TokenizerConfig) -> tuple[Any, Any, dict[str, str]]:
    from tokenizers import Tokenizer as Inner
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    roles = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    sentinels = [f"<extra_id_{i}>" for i in range(_SENTINELS)]
    inner = Inner(models.Unigram())
    inner.normalizer = normalizers.NFKC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=config.vocab_size,
        special_tokens=[*roles.values(), *sentinels],
        unk_token="<unk>",
        show_progress=False,
    )
    return inner, trainer, roles


def _rounded(inner: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """Scores to nine digits, and their order by these.

    The library adds up in the order of a hash table: the last bits are others each time.
    """
    from tokenizers import Tokenizer as Inner

    whole = json.loads(inner.to_str())
    special = {token["content"] for token in whole["added_tokens"]}
    scores = [(piece, round(score, 9)) for piece, score in whole["model"]["vocab"]]
    ordered = sorted(scores, key=lambda pair: (pair[0] not in special, -pair[1], pair[0]))
    ordered[: len(special)] = [pair for pair in scores if pair[0] in special]
    whole["model"]["vocab"] = ordered
    return Inner.from_str(json.dumps(whole))


def _finish(inner: tokenizers.Tokenizer, kind: TokenizerKind) -> None:
    """Put on what stands around a text, whose ids are known only after training."""
    from tokenizers.processors import ByteLevel, TemplateProcessing

    if kind == "bpe":
        inner.post_processor = ByteLevel(trim_offsets=False)
        return
    shapes = {
        "wordpiece": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ("[CLS]", "[SEP]")),
        "unigram": ("$A </s>", "$A </s> $B </s>", ("</s>",)),
    }
    single, pair, names = shapes[kind]
    ids = [(name, inner.token_to_id(name)) for name in names]
    inner.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=ids)
