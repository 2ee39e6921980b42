"""A model's answers for many rows, whatever fits into memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from glossator.errors import GlossatorError
from glossator.models.hardware import using_threads
from glossator.tasks.learnable import Encoded, Example
from glossator.tasks.task import Answer, Answering, Stepwise
from glossator.text.records import Record

__all__ = ["answer_rows", "halved", "is_out_of_memory", "token_batches"]


def answer_rows(
    task: Answering,
    model: nn.Module,
    records: Sequence[Record],
    rows: Sequence[Encoded],
    *,
    token_budget: int,
    device: torch.device,
    alone: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Answer]:
    """The combined answer of each row.

    Windows of like length go through the model together, which saves attention work; the order of
    the rows is kept. Where memory does not suffice the budget is halved and the batch repeated.

    Args:
        task: what to ask.
        model: on `device`.
        records: the N rows.
        rows: the examples of each.
        token_budget: tokens that go through the model at once, but for one longer example.
        device: where the model is.
        alone: each window goes through the model by itself. Its answer is then the same to the
            bit whatever is beside it, in whatever order and with any number of threads.
        progress: is told how many examples were answered since the last call, none between the
            steps of a long answer; what it raises ends the answering.
    """
    if isinstance(task, Stepwise):
        task = task.watched(lambda: progress(0))
    flat = [example for row in rows for example in row]
    costs = [task.cost(example) for example in flat]
    order = sorted(range(len(flat)), key=lambda i: -costs[i])
    answers: list[Answer] = [None] * len(flat)
    answered = _answers_alone if alone else _answers
    if model.training:  # or else all its modules are visited at each call
        model.eval()
    for batch in token_batches(order, costs, token_budget):
        for part, found in answered(task, model, [flat[i] for i in batch], device):
            for i, one in zip(batch[part], found, strict=True):
                answers[i] = one
        progress(len(batch))
    given = iter(answers)
    return [
        task.combine(record, row, [next(given) for _ in row])
        for record, row in zip(records, rows, strict=True)
    ]


def token_batches(order: Iterable[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Cut `order` into batches of at most `budget` tokens, or of one example that is longer."""
    batch: list[int] = []
    tokens = 0
    for i in order:
        if batch and tokens + lengths[i] > budget:
            yield batch
            batch, tokens = [], 0
        batch.append(i)
        tokens += lengths[i]
    if batch:
        yield batch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory did not suffice, on a GPU or a CPU."""
    text = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError)
        and ("can't allocate memory" in text or "out of memory" in text.lower())
    )


def halved(examples: Sequence[Example]) -> list[slice]:
    """The two halves of a batch that did not fit into memory.

    Raises:
        GlossatorError: it is a single example.
    """
    if len(examples) == 1:
        tokens = len(examples[0].tokens)
        raise GlossatorError(
            f"not enough memory for one text of {tokens} tokens; "
            "a smaller --max-length reads it in shorter windows"
        )
    middle = len(examples) // 2
    return [slice(0, middle), slice(middle, len(examples))]


def _answers(
    task: Answering, model: nn.Module, examples: list[Example], device: torch.device
) -> Iterator[tuple[slice, Sequence[Answer]]]:
    """The answers of a batch, in parts that fit into memory."""
    found = _try_answer(task, model, examples, device)
    if found is not None:
        yield slice(0, len(examples)), found
        return
    for part in halved(examples):
        for inner, found in _answers(task, model, examples[part], device):
            yield slice(part.start + inner.start, part.start + inner.stop), found


def _answers_alone(
    task: Answering, model: nn.Module, examples: list[Example], device: torch.device
) -> list[tuple[slice, Sequence[Answer]]]:
    """The answer of each example by itself, with as many side by side as torch has threads.

    A product adds up in an order that hangs on its shape and on how many threads share it. Here
    the shape is given by the example's own length, and the thread is one.
    """

    def answer(i: int) -> tuple[slice, Sequence[Answer]]:
        ((_, found),) = _answers(task, model, [examples[i]], device)
        return slice(i, i + 1), found

    count = torch.get_num_threads() if device.type == "cpu" else 1
    # On both sides: what the number is of MKL's threads, all threads share.
    with (
        using_threads(1),
        ThreadPoolExecutor(count, "glossator-answers", torch.set_num_threads, (1,)) as pool,
    ):
        return list(pool.map(answer, range(len(examples))))


def _try_answer(
    task: Answering, model: nn.Module, examples: list[Example], device: torch.device
) -> Sequence[Answer] | None:
    """The answers, or None where memory does not suffice.

    A function of its own: while an error is handled its traceback holds on to what the failed
    forward had computed, and the halves would have to fit beside it.
    """
    try:
        return task.answer(model, task.collate(examples, 0).to(device))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
