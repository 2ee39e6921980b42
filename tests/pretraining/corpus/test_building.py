"""Tokens in shards: the same for the same text, whole or not there, and found again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from glossator.errors import CheckpointError, TableError
from glossator.pretraining.corpus import building, shards
from glossator.pretraining.corpus.building import build, made_of
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.corpus import SENTENCE, WORD, open_corpus
from glossator.pretraining.corpus.statistics import report_lines
from glossator.pretraining.corpus.words import ChineseWords, Words
from glossator.pretraining.doctor import corpus_complaints
from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer

CONFIG = CorpusConfig(dev_fraction=0.1, boilerplate=0)


@pytest.fixture
def built(corpus_file, tokenizer, tmp_path):
    def make(paths=(corpus_file,), config=CONFIG, name="corpus", seed=0):
        paths = [str(path) for path in paths]
        ingredients = made_of(paths, tokenizer, config, seed=seed, words="pieces")
        return build(
            paths,
            Words(tokenizer),
            tokenizer,
            config,
            tmp_path / name,
            seed=seed,
            ingredients=ingredients,
        )

    return make


def documents_of(part, tokenizer):
    pieces = (part.piece(i, 0, n) for i, n in enumerate(part.lengths.tolist()))
    return [tokenizer.decode(piece.tokens).replace(" ", "") for piece in pieces]


def test_every_document_is_in_one_part_with_its_sentences(built, corpus_file, tokenizer):
    corpus = built()
    texts = ["".join(d.split()) for d in corpus_file.read_text().strip().split("\n\n")]
    got = documents_of(corpus.train, tokenizer) + documents_of(corpus.dev, tokenizer)
    assert sorted(got) == sorted(texts)
    assert 15 < len(corpus.dev) < 50
    piece = corpus.train.piece(3, 0, int(corpus.train.lengths[3]))
    sentences = int((piece.marks & SENTENCE > 0).sum())
    assert sentences == documents_of(corpus.train, tokenizer)[3].count(".")
    assert piece.marks[0] == SENTENCE | WORD


def test_word_beginnings_are_those_of_the_pieces(built, tokenizer):
    corpus = built()
    piece = corpus.train.piece(0, 0, int(corpus.train.lengths[0]))
    for token, mark in zip(piece.tokens, piece.marks, strict=True):
        assert bool(mark & WORD) == (not tokenizer.vocabulary[token].startswith("##"))


def test_the_same_text_gives_the_same_bytes_and_another_seed_another_split(built, tmp_path):
    built(name="a")
    built(name="b")
    built(name="c", seed=1)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    name = "dev-tokens-00000.bin"
    assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


def test_shards_change_nothing(built, tokenizer, monkeypatch):
    whole = built(name="whole")
    monkeypatch.setattr(shards, "_TOKENS", 500)
    monkeypatch.setattr(building, "_CHUNK", 1000)
    parts = built(name="parts")
    assert len(list(parts.train._tokens)) > 5
    assert documents_of(parts.train, tokenizer) == documents_of(whole.train, tokenizer)
    size = tokenizer.vocabulary_size
    assert np.array_equal(parts.train.counts(size), whole.train.counts(size))
    assert parts.train.counts(size).sum() == parts.train.tokens


def test_a_file_that_changed_is_named(built, corpus_file, tokenizer, tmp_path):
    copy = tmp_path / "copy.txt"
    copy.write_bytes(corpus_file.read_bytes())
    built([copy])
    copy.write_bytes(corpus_file.read_bytes() + b"\nmore .\n")
    now = made_of([str(copy)], tokenizer, CONFIG, seed=0, words="pieces")
    with pytest.raises(CheckpointError, match=r"copy\.txt was [\d,]+ bytes \(\w+\), is [\d,]+"):
        open_corpus(tmp_path / "corpus", now)
    other = dataclasses.replace(CONFIG, near=0.9)
    now = made_of([str(copy)], tokenizer, other, seed=0, words="pieces")
    with pytest.raises(CheckpointError, match=r"option near was 0\.8, is 0\.9"):
        open_corpus(tmp_path / "corpus", now)


def test_a_build_that_fails_leaves_nothing(built, corpus_file, tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"fine .\n\n" * 5 + b"\xff\xfe\xfa\n")
    with pytest.raises(TableError, match=r"broken\.txt"):
        built([corpus_file, broken])
    assert [path.name for path in tmp_path.iterdir()] == ["broken.txt"]


def test_an_empty_file_is_told_before_another_is_read(corpus_file, tokenizer, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    for paths, config in (
        ([corpus_file, tmp_path / "empty.txt"], CONFIG),
        ([corpus_file], dataclasses.replace(CONFIG, dev=str(tmp_path / "empty.txt"))),
    ):
        with pytest.raises(TableError, match="the file is empty") as caught:
            made_of([str(x) for x in paths], tokenizer, config, seed=0, words="pieces")
        assert caught.value.file == str(tmp_path / "empty.txt")


def test_two_documents_are_enough_and_one_is_not(built, tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("the first .\n\nthe second .\n", encoding="utf-8")
    corpus = built([path], CorpusConfig(dev_fraction=1e-6))
    assert (len(corpus.train), len(corpus.dev)) == (1, 1)
    path.write_text("the only one .\n", encoding="utf-8")
    with pytest.raises(TableError, match="An empty line ends a document; --dev names"):
        built([path], name="one")


def test_held_out_documents_of_their_own(built, corpus_file, tmp_path, tokenizer):
    held_out = tmp_path / "dev.txt"
    held_out.write_text("the film was paid too late .\n", encoding="utf-8")
    corpus = built(config=dataclasses.replace(CONFIG, dev=str(held_out)))
    assert documents_of(corpus.dev, tokenizer) == ["thefilmwaspaidtoolate."]
    assert len(corpus.train) == 300


def test_the_report_says_what_was_read_and_kept(built, corpus_file, tmp_path):
    twice = tmp_path / "twice.txt"
    twice.write_bytes(corpus_file.read_bytes())
    lines = "\n".join(report_lines(built([corpus_file, twice]).statistics))
    assert "600 documents read" in lines
    assert "duplicates: 300 documents" in lines
    assert "tokens a word" in lines


def test_chinese_in_pieces_of_its_own_is_not_complained_about(built, tmp_path):
    """Its writing has no spaces, and so the words of bytes are whole sentences."""
    draws = np.random.default_rng(0)
    words = ["酒店", "服务", "很好", "房间", "干净", "早餐", "不错", "下次", "还会", "来的"]
    texts = ["".join(draws.choice(words, 9)) for _ in range(400)]
    path = tmp_path / "zh.txt"
    path.write_text("\n\n".join(texts), encoding="utf-8")
    for trained_on, fits in ((texts, True), (["the market fell again"] * 9, False)):
        mixed = [*trained_on, *(f"word{i * 7919} again word{i * 7919}" for i in range(900))]
        own = train_tokenizer(mixed, TokenizerConfig(kind="bpe", vocab_size=400))
        config = dataclasses.replace(CONFIG, duplicates="none")
        corpus = build(
            [str(path)], Words(own), own, config, tmp_path / f"fits-{fits}",
            seed=0, ingredients={},
        )  # fmt: skip
        tokens = corpus.statistics["tokens"]
        assert tokens["tokens_per_word"] > 2.5
        told = [x for x in corpus_complaints(corpus.statistics) if "breaks the text into" in x]
        assert bool(told) != fits, (tokens, told)


def test_chinese_words_are_marked_as_they_are_cut(tmp_path):
    sentence = "我们在北京的银行工作 hello world"
    others = "".join(chr(i) for i in range(0x4E00, 0x4E00 + 400))
    config = TokenizerConfig(vocab_size=420, min_frequency=1)
    tokenizer = train_tokenizer([sentence, sentence, others], config)
    ids, flags = ChineseWords(tokenizer).encode([sentence])
    words: list[str] = []
    for token, begins in zip(ids[0], flags[0], strict=True):
        piece = tokenizer.vocabulary[token].removeprefix("##")
        words = [*words, piece] if begins else [*words[:-1], words[-1] + piece]
    assert {"我们", "北京", "银行", "工作"} <= set(words)
    own, _ = Words(tokenizer).encode([sentence])
    assert own[0].tolist() == ids[0].tolist()
