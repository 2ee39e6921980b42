"""Pairs of sentences: how they are cut, what is altered, and how judgements are scored."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.errors import ConfigError, InputError, ModelFolderError
from glossator.models import checkpoint, families, new_models
from glossator.models.sizes import SIZES
from glossator.pretraining.config import ObjectiveConfig, PretrainConfig, StartConfig
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.corpus import SENTENCE, WORD, Piece
from glossator.pretraining.objectives.next_sentence import NextSentence
from glossator.pretraining.objectives.sentence_order import SentenceOrder
from glossator.pretraining.pairs import PairRows
from glossator.pretraining.rows import SPECIAL
from glossator.pretraining.run import run_pretrain
from glossator.pretraining.watch import Watch
from glossator.tasks.learnable import filler
from glossator.training.config import TrainingConfig
from glossator.training.rows import as_rows

BOTH = [NextSentence, SentenceOrder]
FIRST = 10  # of the ids in these documents


class Documents:
    """A part of a corpus, given by the tokens of each sentence, which count up."""

    digest, name = "0", "train"

    def __init__(self, documents):
        self._documents = documents
        self.lengths = np.array([sum(sizes) for sizes in documents], np.int64)
        self._starts = np.cumsum(self.lengths) - self.lengths

    def __len__(self):
        return len(self._documents)

    def sentences(self, document):
        return np.cumsum([0, *self._documents[document][:-1]])

    def piece(self, document, start, stop):
        marks = np.full(int(self.lengths[document]), WORD, np.uint8)
        marks[self.sentences(document)] |= SENTENCE
        tokens = np.arange(start, stop, dtype=np.int32) + FIRST + int(self._starts[document])
        return Piece(tokens, marks[start:stop])

    def document_of(self, token):
        return int(np.searchsorted(self._starts, token - FIRST, side="right")) - 1


class Wrapper:
    specials, pair_specials, specials_before = 2, 3, 1

    def wrap(self, ids, pair=None):
        parts = [[1], ids, [2]] + ([] if pair is None else [pair, [2]])
        return np.concatenate(parts).astype(np.int32)

    def second_place(self, first):
        return first + 2

    def segments(self, first, second):
        return np.repeat([0, 1], [first + 2, second + 1]).astype(np.int32)


def uncut(example):
    """The ids of an example without special tokens, first and second."""
    inside = example.marks != SPECIAL
    second = np.zeros_like(inside) if example.segments is None else example.segments > 0
    return example.tokens[inside & ~second].tolist(), example.tokens[inside & second].tolist()


sentences = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@given(st.lists(sentences, min_size=1, max_size=15), st.integers(16, 90))
def test_every_token_comes_once_and_no_row_is_too_long(documents, length):
    rows = PairRows(Documents(documents), Wrapper(), length)
    found = [list(rows[i]) for i in range(len(rows))]
    assert all(0 < sum(len(e.tokens) for e in row) <= length for row in found)
    examples = [e for row in found for e in row]
    inside = [token for e in examples for part in uncut(e) for token in part]
    assert inside == list(range(FIRST, FIRST + sum(map(sum, documents))))
    assert rows.tokens == sum(len(e.tokens) for e in examples)
    assert rows.pairs.paired == sum(e.segments is not None for e in examples)


def test_pairs_are_divided_where_sentences_end_and_long_ones_are_cut():
    part = Documents([[8] * 40, [200, 5]])
    rows = PairRows(part, Wrapper(), 64)
    examples = [e for i in range(len(rows)) for e in rows[i]]
    pairs = [e for e in examples if e.segments is not None]
    inside = [uncut(e) for e in pairs if part.document_of(e.tokens[1]) == 0]
    assert all((x[0] - FIRST) % 8 == 0 and len(x) % 8 == 0 for e in inside for x in e)
    assert len({len(first) for first, _ in inside}) > 2, "divided at other places"
    assert sum(len(x) for e in inside for x in e) == 320, "of these none is left alone"
    long = [uncut(e) for e in examples if part.document_of(e.tokens[1]) == 1]
    assert [len(second) for _, second in long] == [0, 0, 0, 5]


def test_a_document_of_one_sentence_is_read_and_not_judged():
    rows = PairRows(Documents([[20], [9, 9], [7]]), Wrapper(), 64)
    assert (rows.pairs.alone, rows.pairs.documents, rows.pairs.paired) == (2, 1, 1)
    alone = [e for e in rows[0] if e.segments is None]
    assert [len(uncut(e)[0]) for e in alone] == [20, 7]
    (remark,) = make(SentenceOrder).remarks(rows)
    assert "2 of 3 documents to learn from have one sentence" in remark
    assert make(SentenceOrder).remarks(PairRows(Documents([[9, 9]]), Wrapper(), 64)) == ()


def make(cls, rate=0.3):
    """The objective over numbers as tokens."""
    objective = cls.__new__(cls)
    objective._tokenizer, objective.rate = Wrapper(), rate
    return objective


def drawn(cls, documents, count=40):
    """The examples, and what the objective makes of each pair when it alters it, some times."""
    part = Documents(documents)
    rows = PairRows(part, Wrapper(), 64)
    pairs = [e for i in range(len(rows)) for e in rows[i] if e.segments is not None]
    random = np.random.default_rng(3)
    made = [make(cls)._altered(e, random) for e in pairs for _ in range(count)]
    return part, [e for e in pairs for _ in range(count)], made


def test_order_is_turned_round():
    _, pairs, made = drawn(SentenceOrder, [[5, 9, 7]] * 20, count=1)
    for pair, turned in zip(pairs, made, strict=True):
        assert uncut(turned) == uncut(pair)[::-1]
        assert len(turned.tokens) == len(pair.tokens)
        assert turned.segments.sum() == len(uncut(pair)[0]) + 1


def test_the_next_one_comes_from_another_document_and_its_length_does_not_tell():
    random = np.random.default_rng(0)
    documents = [random.integers(3, 30, 8).tolist() for _ in range(60)]
    part, pairs, made = drawn(NextSentence, documents)
    seconds = set()
    for pair, other in zip(pairs, made, strict=True):
        (first, second), (same, elsewhere) = uncut(pair), uncut(other)
        assert same == first
        assert part.document_of(elsewhere[0]) != part.document_of(second[0])
        assert len(other.tokens) <= 64
        seconds.add((pair.number, elsewhere[0]))
    assert len(seconds) > 3 * len({e.number for e in pairs}), "other ones each time"
    before, after = (np.array([len(uncut(e)[1]) for e in some]) for some in (pairs, made))
    assert abs(before.mean() / after.mean() - 1) < 0.03
    starts = {e.tokens[len(uncut(e)[0]) + 2] for e in pairs}
    assert {uncut(e)[1][0] for e in made} <= starts, "what follows something where it comes from"


def test_one_that_is_too_long_for_the_pair_is_cut():
    _, pairs, made = drawn(NextSentence, [[30, 4], [2, 29]], count=1)
    assert [len(uncut(e)[1]) for e in pairs] == [4, 29]
    assert [len(uncut(e)[1]) for e in made] == [29, 4]
    _, pairs, made = drawn(NextSentence, [[30, 4], [28, 33]], count=1)
    assert [len(uncut(e)[1]) for e in pairs] == [4, 33]
    assert [len(uncut(e)[1]) for e in made] == [31, 4]


@pytest.fixture
def corpus_rows(corpus_file, tokenizer, tmp_path):
    from glossator.pretraining.corpus.building import build
    from glossator.pretraining.corpus.words import Words

    config = CorpusConfig(dev_fraction=0.3, boilerplate=0)
    corpus = build(
        [str(corpus_file)], Words(tokenizer), tokenizer, config, tmp_path / "corpus",
        seed=1, ingredients={},
    )  # fmt: skip
    return lambda objective: objective.rows(corpus.dev, 48)


@pytest.fixture
def model(tokenizer):
    config = families.by_model_type("bert").sized(
        SIZES["tiny"], vocabulary=tokenizer.vocabulary_size, length=64, pad=0
    )
    return new_models.new_sentences(config, seed=1)


@pytest.mark.parametrize("cls", BOTH)
def test_half_of_the_pairs_are_altered_other_ones_each_time(cls, tokenizer, corpus_rows):
    objective = cls(tokenizer)
    rows = corpus_rows(objective)
    examples = [e for i in range(len(rows)) for e in rows[i]]
    examples.append(filler(examples[0], 7, ()))
    batches = [objective.collate(examples, seed) for seed in (1, 2)]
    assert torch.equal(batches[0].altered, objective.collate(examples, 1).altered)
    pairs = [e for e in examples if e.segments is not None]
    for batch in batches:
        assert len(batch.altered) == len(pairs), "a filler is no pair"
        assert 0.35 < batch.altered.float().mean() < 0.65
        assert (batch.gaps.inputs.tokens[batch.starts] == tokenizer.wrap(np.array([5]))[0]).all()
        assert batch.gaps.inputs.segments.max() == 1
    whole, texts, differ = batches[0], 0, []
    restored = whole.gaps.inputs.tokens.index_copy(0, whole.gaps.read, whole.gaps.targets)
    for example, text in zip(
        examples, restored.split(whole.gaps.inputs.lengths.tolist()), strict=True
    ):
        if example.segments is not None:
            altered, texts = bool(whole.altered[texts]), texts + 1
            differ += [text.tolist() != example.tokens.tolist()] * altered
            assert altered or text.tolist() == example.tokens.tolist()
    assert np.mean(differ) > 0.8, "some texts elsewhere are the same"
    assert 0.3 < (batches[0].altered != batches[1].altered).float().mean() < 0.7


@pytest.mark.parametrize("cls", BOTH)
def test_parts_of_a_batch_add_up(cls, tokenizer, model, corpus_rows):
    objective = cls(tokenizer)
    rows = as_rows([corpus_rows(objective)[i] for i in range(6)])
    with torch.no_grad():
        parts = [objective.loss(model, objective.collate(rows[i], i)) for i in range(len(rows))]
    found = objective.scores(model, rows, token_budget=1)
    total, count = (sum(float(pair[i]) for pair in parts) for i in (0, 1))
    assert found["loss"] == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("cls", BOTH)
def test_scores_of_a_model_that_always_says_altered(cls, tokenizer, model, corpus_rows):
    objective, counts = cls(tokenizer), np.ones(tokenizer.vocabulary_size, np.int64)
    rows = corpus_rows(objective)
    guess = objective.baseline(rows, counts, token_budget=500)
    with torch.no_grad():
        for parameter in model.sentences.output.parameters():
            parameter.zero_()
        model.sentences.output.bias[1] = 9.0
    found = objective.scores(model, rows, token_budget=500)
    share, most = found["accuracy"], guess["accuracy"]
    assert found["f1"] == pytest.approx(2 * share / (1 + share))
    assert most == pytest.approx(max(share, 1 - share))
    assert guess["f1"] == (pytest.approx(found["f1"]) if share > 0.5 else 0)
    assert set(found) == set(guess)
    with torch.no_grad():
        model.sentences.output.bias[:] = torch.tensor([1 - share, share]).log()
    by_share = objective.scores(model, rows, token_budget=500)
    words = [np.log(x["masked_perplexity"]) for x in (by_share, guess)]
    judged = [x["loss"] - loss for x, loss in zip((by_share, guess), words, strict=True)]
    assert judged[0] == pytest.approx(judged[1], rel=0.02), "the entropy of the share"


def test_both_heads_and_the_encoder_learn(tokenizer, model, corpus_rows):
    objective = SentenceOrder(tokenizer)
    rows = corpus_rows(objective)
    loss, count = objective.loss(model, objective.collate(rows[0], 5))
    assert int(count) == len(objective.collate(rows[0], 5).gaps.targets)
    loss.backward()
    grads = {name: x.grad for name, x in model.named_parameters()}
    assert all(grad is not None and grad.abs().max() > 0 for grad in grads.values())


def pretrained(paths, tokenizer_folder, output, *, watch=None, objective="sop", **more):
    start = more.pop("start", {"tokenizer": str(tokenizer_folder), "size": "tiny"})
    corpus = {"dev_fraction": 0.2, "boilerplate": 0, "duplicates": "none", **more.pop("corpus", {})}
    training = {"max_steps": 2, "learning_rate": 3e-3, "batch_size": 8, "seed": 1, **more}
    config = PretrainConfig(
        objective=ObjectiveConfig(objective=objective, length=48),
        start=StartConfig(**start),
        corpus=CorpusConfig(**corpus),
        training=TrainingConfig(**training),
    )
    return run_pretrain([str(path) for path in paths], config, output=output, watch=watch)


def test_an_order_that_words_tell_is_learned(corpus_file, tokenizer_folder, tmp_path):
    lines = dict.fromkeys(line for line in corpus_file.read_text().splitlines() if line)
    plain = [line for line in lines if not line.startswith("number")]
    documents = [f"my card {a}\nthe refund {b}" for a in plain for b in plain for _ in range(9)]
    path = tmp_path / "ordered.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    result = pretrained(
        [path], tokenizer_folder, tmp_path / "model",
        max_steps=120, batch_size=16, evaluation_steps=120,
    )  # fmt: skip
    assert result.dev["accuracy"] > 0.9 > 0.7 > result.dev["baseline"]["accuracy"]
    assert result.dev["f1"] > 0.9


def test_what_follows_is_told_by_what_a_text_is_about(tokenizer_folder, tmp_path):
    draws = random.Random(0)
    topics = ["my card arrived yet", "the film was slow", "our team won last", "market fell again"]
    documents = []
    for topic in (draws.choice(topics).split() for _ in range(600)):
        lines = [" ".join(draws.choices(topic, k=draws.randint(4, 6))) for _ in range(4)]
        documents.append("\n".join(lines))
    path = tmp_path / "topics.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    result = pretrained(
        [path], tokenizer_folder, tmp_path / "model", objective="nsp",
        max_steps=300, batch_size=16, evaluation_steps=300, corpus={"min_distinct": 0.0},
    )  # fmt: skip
    # A quarter of the texts from elsewhere are about the same.
    assert 0.65 < result.dev["accuracy"] < 0.95
    assert 0.4 < result.dev["baseline"]["accuracy"] < 0.6


class Heard(Watch):
    def __init__(self):
        self.notes, self.said = [], []

    def note(self, text):
        self.notes.append(text)

    def model(self, notes):
        self.said = list(notes)


@pytest.mark.parametrize("objective", ["nsp", "sop"])
def test_documents_of_one_sentence(objective, tokenizer_folder, tmp_path):
    path = tmp_path / "single.txt"
    path.write_text("\n\n".join(f"the refund was paid {i} ." for i in range(40)))
    with pytest.raises(InputError, match=r"none of \d+ documents in the train part has two"):
        pretrained([path], tokenizer_folder, tmp_path / "model", objective=objective)
    assert not (tmp_path / "model.run").exists()
    some = path.read_text() + "".join(f"\n\nmy card {i} .\nit is here ." for i in range(40))
    path.write_text(some)
    heard = Heard()
    pretrained([path], tokenizer_folder, tmp_path / "model", objective=objective, watch=heard)
    assert any("have one sentence: their words are learned" in note for note in heard.notes)


def test_other_documents_are_needed_for_the_next_sentence(tokenizer_folder, tmp_path):
    path, dev = tmp_path / "train.txt", tmp_path / "dev.txt"
    path.write_text("\n\n".join(f"my card {i} .\nit is here ." for i in range(40)))
    dev.write_text("my card .\nit is here .")
    with pytest.raises(InputError, match="in the dev part only one has two sentences"):
        pretrained([path], tokenizer_folder, tmp_path / "model", objective="nsp",
                   corpus={"dev": str(dev)})  # fmt: skip


def test_it_goes_on_with_the_heads_of_its_own_and_says_which_are_new(
    corpus_file, tokenizer_folder, tiny_model_folder, tmp_path
):
    heard = Heard()
    start = {"model": str(tiny_model_folder)}
    first = pretrained([corpus_file], None, tmp_path / "first", start=start, watch=heard)
    assert [note for note in heard.said if "head" in note] == [
        "a new masked-language head was put on tiny-bert",
        "a new sentence head was put on tiny-bert",
    ]
    pooler = checkpoint.load_sentences(tiny_model_folder).sentences.dense.weight
    kept = checkpoint.load_classifier(tiny_model_folder, ["a", "b"]).head.dense.weight
    assert torch.equal(pooler, kept)
    start = {"model": str(first.model)}
    pretrained([corpus_file], None, tmp_path / "second", start=start, objective="nsp", watch=heard)
    assert not [note for note in heard.said if "new" in note]
    written = json.loads((first.model / "config.json").read_text())
    assert written["architectures"] == ["BertForPreTraining"]


def test_another_family_has_no_such_head(tokenizer_folder, tmp_path, corpus_file):
    config = families.by_model_type("distilbert").sized(
        SIZES["tiny"], vocabulary=400, length=64, pad=0
    )
    checkpoint.save(new_models.new_masked(config), tmp_path / "other")
    with pytest.raises(ModelFolderError, match="distilbert has no head over pairs of texts"):
        checkpoint.load_sentences(tmp_path / "other")


@pytest.mark.parametrize(
    ("objective", "start", "message"),
    [
        ({"objective": "nsp"}, {"family": "roberta"}, "nsp is not for --family roberta"),
        ({"objective": "sop"}, {"family": "gpt2"}, "sop is not for --family gpt2"),
        ({"objective": "nsp", "pseudo_perplexity": 9}, {}, "--pseudo-perplexity is not for nsp"),
    ],
)
def test_options_that_make_no_run_are_refused(objective, start, message):
    with pytest.raises(ConfigError, match=message):
        PretrainConfig(
            objective=ObjectiveConfig(**objective), start=StartConfig(tokenizer="t", **start)
        )
