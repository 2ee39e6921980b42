"""Causal language modelling: its rows, its scores, its folder."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from glossator.artifact.opening import load
from glossator.errors import ConfigError, InputError, TextError
from glossator.pretraining.config import ObjectiveConfig, PretrainConfig, StartConfig
from glossator.pretraining.corpus.building import build, made_of
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.words import Words
from glossator.pretraining.objectives.causal_language import CausalLanguage
from glossator.pretraining.rows import CorpusRows
from glossator.pretraining.run import run_pretrain
from glossator.tasks.learnable import Example
from glossator.text.tokenizer import Tokenizer
from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer
from glossator.training.config import TrainingConfig

RAW = "Café one.\nIt was closed.\n\n第二篇\n\n" + "\n\n".join(f"Document {i}." for i in range(8))


@pytest.fixture(scope="module")
def bpe(corpus_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bpe")
    texts = corpus_file.read_text(encoding="utf-8").splitlines()
    train_tokenizer(texts, TokenizerConfig(kind="bpe", vocab_size=320)).save(folder)
    return Tokenizer.load(folder)


@pytest.fixture
def corpus(bpe, tmp_path):
    (tmp_path / "raw.txt").write_text(RAW, encoding="utf-8")
    config = CorpusConfig(
        dev_fraction=0.1, boilerplate=0, min_characters=1, duplicates="none", min_distinct=0
    )
    paths = [str(tmp_path / "raw.txt")]
    found = made_of(paths, bpe, config, seed=1, words="pieces")
    folder = tmp_path / "corpus"
    return build(paths, Words(bpe), bpe, config, folder, seed=1, ingredients=found)


def documents_of(rows, end):
    """The rows' tokens, one after another, cut where documents end."""
    tokens = np.concatenate([x.tokens for i in range(len(rows)) for x in rows[i]]).tolist()
    documents, one = [], []
    for token in tokens:
        one.append(token)
        if token == end and len(one) > 1:
            documents.append(one)
            one = []
    assert not one
    return documents


@pytest.mark.parametrize("length", [16, 17, 40, 200])
def test_rows_hold_every_document_between_its_ends(corpus, bpe, length):
    end, texts = bpe.end_id, []
    for part in (corpus.train, corpus.dev):
        rows = CorpusRows(part, bpe, length, ends=end)
        assert max(sum(len(x.tokens) for x in rows[i]) for i in range(len(rows))) <= length
        documents = documents_of(rows, end)
        assert all(one[0] == one[-1] == end for one in documents)
        texts += [bpe.decode(one) for one in documents]
        assert rows.tokens == sum(map(len, documents))
    assert sorted(texts) == sorted(RAW.split("\n\n")), "lines and all"


def test_each_token_is_to_be_predicted_from_those_before_it(bpe):
    objective = CausalLanguage(bpe)
    examples = [
        Example(np.array([0, 5, 6], np.int32), (0, 3)),
        Example(np.array([9, 9], np.int32), (0, 2), weight=0.0),
        Example(np.array([4], np.int32), (0, 1)),
        Example(np.array([7, 8, 0], np.int32), (0, 3)),
    ]
    batch = objective.collate(examples, 0)
    assert batch.inputs.tokens.tolist() == [0, 5, 6, 9, 9, 4, 7, 8, 0]
    assert batch.read.tolist() == [0, 1, 6, 7]
    assert batch.targets.tolist() == [5, 6, 8, 0]


def test_bits_per_byte_are_those_of_the_whole_text(corpus, bpe):
    objective = CausalLanguage(bpe)
    rows = CorpusRows(corpus.train, bpe, 200, ends=bpe.end_id)
    counts = corpus.train.counts(bpe.vocabulary_size)
    found = objective.baseline(rows, counts, token_budget=64)
    documents = documents_of(rows, bpe.end_id)
    chances = (counts + 1) / (counts.sum() + len(counts))
    nats = -sum(math.log(chances[token]) for one in documents for token in one[1:])
    size = sum(len(bpe.decode(one).encode()) for one in documents)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / size)
    assert found["loss"] == pytest.approx(nats / sum(len(one) - 1 for one in documents))
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))


@pytest.fixture(scope="module")
def trained(bpe, corpus_file, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("causal")
    (scratch / "tokenizer").mkdir()
    bpe.save(scratch / "tokenizer")
    config = PretrainConfig(
        objective=ObjectiveConfig(objective="clm", length=48),
        start=StartConfig(tokenizer=str(scratch / "tokenizer"), size="tiny", family="gpt2"),
        corpus=CorpusConfig(dev_fraction=0.1, boilerplate=0),
        training=TrainingConfig(max_steps=150, batch_size=16, learning_rate=3e-3),
    )
    return run_pretrain([str(corpus_file)], config, output=scratch / "gpt")


def test_a_small_gpt_learns_what_its_text_is_made_of(trained):
    dev, base = trained.dev, trained.dev["baseline"]
    assert set(base) == {"loss", "perplexity", "bits_per_byte"}
    assert dev["bits_per_byte"] < 0.4 * base["bits_per_byte"]
    (found,) = load(trained.model).predict(["our team won in"], max_new_tokens=8)
    assert found.text.startswith(" the last minute .")


def test_an_empty_prompt_begins_a_document_that_ends(trained):
    model = load(trained.model)
    drawn = [
        model.predict([""], max_new_tokens=400, temperature=0.7, seed=seed)[0] for seed in range(24)
    ]
    ended = [one.text.splitlines()[-1] for one in drawn if one.finish_reason == "stop"]
    # The last line of all that it learned from. How many draws come to it hangs on the processor.
    assert sum(line.startswith("number ") for line in ended) >= 4


def test_what_cannot_be_gone_on_with_is_refused(trained):
    generator = load(trained.model)
    with pytest.raises(InputError, match="single string"):
        generator.predict("the film")
    with pytest.raises(TextError, match=r"text 1: the text has .* the model reads 512"):
        generator.predict(["the film", "the film " * 600])
    with pytest.raises(TextError, match="surrogate"):
        generator.predict(["\ud800"])


def test_a_trained_folder_goes_on_learning(trained, corpus_file, tmp_path):
    config = PretrainConfig(
        objective=ObjectiveConfig(objective="clm", length=48),
        start=StartConfig(model=str(trained.model)),
        corpus=CorpusConfig(dev_fraction=0.1, boilerplate=0),
        training=TrainingConfig(max_steps=10, batch_size=16),
    )
    more = run_pretrain([str(corpus_file)], config, output=tmp_path / "more")
    assert more.dev["loss"] < 1.05 * trained.dev["loss"]
    wrong = PretrainConfig(start=StartConfig(model=str(trained.model)))
    with pytest.raises(InputError, match="no mask token"):
        run_pretrain([str(corpus_file)], wrong, output=tmp_path / "wrong")


@pytest.mark.parametrize(
    ("objective", "family"), [("clm", "bert"), ("mlm", "gpt2"), ("span", "gpt2")]
)
def test_objective_and_family_have_to_fit(objective, family):
    with pytest.raises(ConfigError, match=f"--objective {objective} is not for --family {family}"):
        PretrainConfig(
            objective=ObjectiveConfig(objective=objective),
            start=StartConfig(tokenizer="t", family=family),
        )


def test_drawing_on_a_machine_with_other_threads_changes_nothing(trained):
    asks = {"max_new_tokens": 20, "temperature": 1.0}
    one = load(trained.model).predict(["the film", "my card has"], **asks)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert load(trained.model).predict(["the film", "my card has"], **asks) == one
    finally:
        torch.set_num_threads(before)
