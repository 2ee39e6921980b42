"""A text gets the same answer alone, in any batch and where memory is short."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from label_records import records

from glossator.errors import GlossatorError
from glossator.tasks.answers import answer_rows, halved, is_out_of_memory, token_batches
from glossator.tasks.learnable import Encoded, Example

CPU = torch.device("cpu")
WORDS = ["card", "is", "my", "new", "good", "film", "the", "market", "fell", "slow", "boring"]
NO_MEMORY = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"


@pytest.fixture
def texts():
    random = np.random.default_rng(5)
    counts = [1, 0, 3, 200, 12, 13, 14, 15, 7, 2, 60, 31]
    return [" ".join(random.choice(WORDS, count)) for count in counts]


def logits_of(task, model, texts, budget=4096):
    given = records(texts)
    rows = task.encode(given)
    return np.stack(answer_rows(task, model, given, rows, token_budget=budget, device=CPU))


def padded_without_a_mask(task, model, texts):
    """The broken way: filler at the end of short texts, which nothing tells from words."""
    given = records(texts)
    rows = [row[0].tokens for row in task.encode(given)]
    width = max(map(len, rows))
    filled = [np.concatenate([ids, np.zeros(width - len(ids), np.int32)]) for ids in rows]
    examples = [Encoded((Example(ids, (0, 1), (np.array(-1),)),), 1, 1) for ids in filled]
    return answer_rows(task, model, given, examples, token_budget=4096, device=CPU)


def test_the_same_alone_and_in_batches_of_any_size_and_order(task, model, texts):
    alone = np.concatenate([logits_of(task, model, [text]) for text in texts])
    assert np.abs(alone - alone.mean(0)).max() > 0.1, "all texts look alike: nothing is tested"
    random = np.random.default_rng(0)
    for size in (2, 3, 7, 12, 64):
        order = random.permutation(np.resize(np.arange(len(texts)), max(size, len(texts))))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            together = logits_of(task, model, [texts[i] for i in chosen])
            np.testing.assert_allclose(together, alone[chosen], atol=1e-5)
            assert (together.argmax(1) == alone[chosen].argmax(1)).all()


def test_long_neighbours_change_nothing(task, model):
    short = "where is my card"
    long = " ".join(WORDS * 100)
    np.testing.assert_allclose(
        logits_of(task, model, [long, short, long])[1],
        logits_of(task, model, [short])[0],
        atol=1e-5,
    )


def test_padding_without_a_mask_would_be_caught(task, model):
    texts = ["where is my card", " ".join(WORDS)]
    alone = padded_without_a_mask(task, model, texts[:1])[0]
    beside = padded_without_a_mask(task, model, texts)[0]
    assert np.abs(alone - beside).max() > 1e-3


@pytest.mark.parametrize("budget", [1, 16, 40, 10**9])
def test_the_token_budget_changes_nothing(task, model, texts, budget):
    expected = logits_of(task, model, texts)
    np.testing.assert_allclose(logits_of(task, model, texts, budget), expected, atol=1e-5)


def test_batches_keep_to_the_budget_and_lose_nothing():
    lengths = [5, 9, 1, 1, 1, 30, 4, 4]
    batches = list(token_batches(range(8), lengths, 10))
    assert [i for batch in batches for i in batch] == list(range(8))
    assert all(len(b) == 1 or sum(lengths[i] for i in b) <= 10 for b in batches)
    assert [5] in batches


class Short:
    """A task on a machine on which only so many tokens fit."""

    def __init__(self, task, tokens, error=RuntimeError, message=NO_MEMORY):
        self.task, self.tokens = task, tokens
        self.error, self.message = error, message
        self.held = []

    def __getattr__(self, name):
        return getattr(self.task, name)

    def answer(self, model, batch):
        still_there = [x for x in self.held if x() is not None]
        assert not still_there, "what the failed batch computed is still in memory"
        if len(batch.inputs.tokens) > self.tokens:
            computed = torch.zeros(10)
            self.held.append(weakref.ref(computed))
            raise self.error(self.message)
        return self.task.answer(model, batch)


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, torch.OutOfMemoryError])
def test_where_memory_is_short_the_batch_is_halved(task, model, texts, error):
    expected = logits_of(task, model, texts)
    gc.disable()  # cycles must not hold it either
    try:
        got = logits_of(Short(task, 40, error), model, texts)
    finally:
        gc.enable()
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_one_text_that_does_not_fit_is_an_error_that_helps(task, model):
    with pytest.raises(GlossatorError, match=r"one text of 16 tokens; a smaller --max-length"):
        logits_of(Short(task, 10), model, ["card " * 30])


def test_other_errors_are_not_taken_for_it(task, model):
    with pytest.raises(RuntimeError, match="shapes"):
        logits_of(Short(task, 0, RuntimeError, "shapes differ"), model, ["card"])
    assert not is_out_of_memory(ValueError("out of memory"))
    assert is_out_of_memory(RuntimeError(NO_MEMORY))
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried"))


def test_halves(task):
    row = task.encode(records(["card " * 30]))[0]
    assert halved(row[:3]) == [slice(0, 1), slice(1, 3)]


class Slow(Short):
    """A task that takes three steps to answer."""

    def __init__(self, task, step=None):
        super().__init__(task, 10_000)
        self.step = step

    def watched(self, step):
        return Slow(self.task, step)

    def answer(self, model, batch):
        for _ in range(3):
            self.step()
        return super().answer(model, batch)


def test_what_progress_raises_ends_an_answer_between_two_of_its_steps(task, model):
    given, told = records(["card", "film"]), []
    rows = task.encode(given)

    def progress(windows):
        told.append(windows)
        if told == [0, 0, 0, 1, 0]:
            raise KeyboardInterrupt

    def answer():
        answer_rows(Slow(task), model, given, rows, token_budget=1, device=CPU, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        answer()
    told.append(-1)
    answer()
    assert told[6:] == [0, 0, 0, 1] * 2


def test_progress_counts_every_window(task, model, texts):
    told = []
    given = records(texts)
    rows = task.encode(given)
    answer_rows(task, model, given, rows, token_budget=50, device=CPU, progress=told.append)
    assert sum(told) == sum(map(len, rows))
