"""A text is answered the same alone and in any batch; beside the check, who fails it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from label_records import COLUMNS

from glossator.artifact.folder import Details
from glossator.artifact.predictor import Predictor
from glossator.models import attention, families
from glossator.models.config import RuntimeConfig
from glossator.models.heads import SequenceClassifier
from glossator.tasks import answers
from glossator.tasks.kinds.text_classification.config import Decision
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.text.tokenizer import Tokenizer

# How far logits may lie apart; nothing at all is torch.equal.
BARS = {"float32": 1e-5, "bfloat16": 2e-2, "exact": 0.0}
LABELS = ("no", "yes", "maybe", "ask")
WORDS = ["film", "card", "the", "market", "won", "week", "story", "bank"]
WINDOW = 224  # wide enough for fused attention
BERT = {
    "hidden_size": 36,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 50,
    "max_position_embeddings": 240,
}
MODERNBERT = {**BERT, "num_hidden_layers": 3, "local_attention": 8}
# model_type and fields of `config.json`
CASES = {
    "bert": ("bert", BERT),
    "roberta": ("roberta", {**BERT, "type_vocab_size": 1, "pad_token_id": 1}),
    "distilbert": (
        "distilbert",
        {
            "dim": 36,
            "n_layers": 2,
            "n_heads": 3,
            "hidden_dim": 50,
            "max_position_embeddings": 240,
        },
    ),
    "electra": ("electra", {**BERT, "embedding_size": 20}),
    "modernbert": ("modernbert", MODERNBERT),
    "modernbert-mean": ("modernbert", {**MODERNBERT, "classifier_pooling": "mean"}),
}


def random_model(case: str, vocabulary: int) -> SequenceClassifier:
    """A small model in which no part is idle: fresh ones answer all texts nearly alike."""
    model_type, fields = CASES[case]
    family = families.by_model_type(model_type)
    config = family.read_config({"model_type": model_type, "vocab_size": vocabulary, **fields})
    model = SequenceClassifier(family.encoder(config), family.head(config, 4), LABELS)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, x in model.named_parameters():
            centre = float(x.ndim == 1 and name.endswith("weight"))
            x.copy_(centre + 0.2 * torch.randn(x.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def predictor_of(tiny_model_folder):
    """Makes a predictor for a case and a precision."""
    tokenizer = Tokenizer.load(tiny_model_folder)
    models: dict[str, SequenceClassifier] = {}

    def make(case: str, precision: str, threads: int | None = None) -> Predictor:
        if case not in models:
            models[case] = random_model(case, 200)
        task = OneLabel(tokenizer, LABELS, max_length=WINDOW)
        task = task.deciding(Decision(temperature=1.7))
        runtime = RuntimeConfig(device="cpu", precision=precision, threads=threads)
        details = Details(task=task.name, columns=COLUMNS, max_length=WINDOW)
        return Predictor(models[case], task, details, runtime)

    return make


def text_of(length: int, seed: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, length))


def check(predictor: Predictor, lengths: list[int], size: int, long: int, bar: float) -> None:
    """Texts alone against batches of `size`, shuffled, each with a long neighbour.

    In the order of the logits two labels nearer than the bar are a tie, and either may be named.
    """
    texts = [text_of(length, seed) for seed, length in enumerate(lengths)]
    neighbour = text_of(long, len(texts))
    alone = [predictor.answers([text]) for text in texts]
    order = np.random.default_rng(size).permutation(len(texts)).tolist()
    for start in range(0, len(order), size - 1):
        batch = order[start : start + size - 1]
        place = start % (len(batch) + 1)
        asked = [texts[i] for i in batch]
        together = predictor.answers([*asked[:place], neighbour, *asked[place:]])
        found = [i for i in range(len(together)) if i != place]
        for i, at in zip(batch, found, strict=True):
            same(alone[i], together[at : at + 1], bar)


def same(alone, beside, bar):
    one, other = (torch.from_numpy(np.stack(x.raw)) for x in (alone, beside))
    top = one[0].topk(2).values
    if bar == 0:
        assert torch.equal(one, other)
        assert np.array_equal(alone.probabilities, beside.probabilities)
        assert alone[0] == beside[0]
    assert (one - other).abs().max() <= bar
    assert top[0] - top[1] <= bar or alone[0].label == beside[0].label


LENGTHS = st.lists(st.integers(1, 60), min_size=2, max_size=64)
FULL = np.random.default_rng(3).integers(1, 40, 63).tolist()


@pytest.mark.parametrize("precision", BARS)
@pytest.mark.parametrize("case", CASES)
def test_a_text_is_answered_alone_as_in_any_batch(predictor_of, case, precision):
    predictor = predictor_of(case, precision)

    @settings(max_examples=3, deadline=None, derandomize=True, database=None)
    @given(LENGTHS, st.integers(2, 64), st.integers(61, 300))
    @example(FULL, 64, 300)
    def run(lengths, size, long):
        check(predictor, lengths, size, long, BARS[precision])

    run()


def test_every_family_of_the_house_stands_here():
    rooms = Path(families.__file__).parent
    rest = {p.parent.name for p in rooms.glob("*/model.py")} - set(families.DECODERS)
    assert rest == {kind for kind, _ in CASES.values()}


@pytest.mark.parametrize("case", CASES)
def test_the_texts_of_the_check_are_told_apart(predictor_of, case):
    logits = np.stack(predictor_of(case, "float32").answers([text_of(n, n) for n in FULL]).raw)
    assert logits.std(0).min() > 0.1
    assert len(set(logits.argmax(1).tolist())) > 1


# What else an exact answer does not hang on


@pytest.mark.parametrize("case", ["bert", "modernbert-mean"])
def test_an_exact_answer_hangs_on_no_budget_and_no_number_of_threads(predictor_of, case):
    texts = [text_of(length, length) for length in (1, 2, 3, 17, 40, 250, 41, 5)]
    expected = predictor_of(case, "exact", threads=1).answers(texts).raw
    assert np.array_equal(predictor_of(case, "exact", threads=3).answers(texts).raw, expected)
    predictor = predictor_of(case, "exact")
    records = predictor.records(texts)
    rows = predictor.task.encode(records)
    for budget in (1, 100, 10**9):
        found = answers.answer_rows(
            predictor.task,
            predictor.model,
            records,
            rows,
            token_budget=budget,
            device=predictor.device,
            alone=True,
        )
        assert np.array_equal(found, expected)


def test_exact_is_float32(predictor_of):
    texts = [text_of(length, length) for length in (1, 17, 40)]
    exact, usual = (predictor_of("bert", p).answers(texts).raw for p in ("exact", "float32"))
    np.testing.assert_allclose(exact, usual, atol=1e-5)


# Who fails the check


def mingle(predictor, monkeypatch):
    """Texts of a batch know of each other."""
    head = predictor.model.head

    def forward(x):
        logits = type(head).forward(head, x)
        return logits + logits.mean(0) / 5

    monkeypatch.setattr(head, "forward", forward)


def leak(predictor, monkeypatch):
    """Attention sees what stands in the rest of a row: padding, and other texts."""
    dense = attention._dense
    monkeypatch.setattr(
        attention, "_dense", lambda q, k, v, mask, p: dense(q, k, v, torch.zeros_like(mask), p)
    )


def share(predictor, monkeypatch):
    """Texts go through the model together after all."""
    monkeypatch.setattr(answers, "_answers_alone", answers._answers)


@pytest.mark.parametrize(
    ("precision", "broken"),
    [
        ("float32", mingle),
        ("float32", leak),
        ("bfloat16", mingle),
        ("bfloat16", leak),
        ("exact", share),
    ],
)
@pytest.mark.parametrize("case", CASES)
def test_a_broken_forward_fails_the_check(predictor_of, monkeypatch, case, precision, broken):
    predictor = predictor_of(case, precision)
    check(predictor, FULL[:8], 4, 61, BARS[precision])
    broken(predictor, monkeypatch)
    with pytest.raises(AssertionError):
        check(predictor, FULL, 64, 61, BARS[precision])
