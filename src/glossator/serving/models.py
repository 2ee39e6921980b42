"""The models that an endpoint answers with."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glossator.artifact.predictor import Predictor, too_long
from glossator.errors import InputError, TextError
from glossator.serving.batcher import Batcher, Measured, Question
from glossator.serving.problems import Problem, Refused
from glossator.tasks.learnable import Encoded
from glossator.tasks.registry import config_named
from glossator.tasks.task import (
    Composed,
    Partly,
    Preparing,
    Probabilities,
    Relevance,
    Task,
    Vectors,
    characters_of,
)
from glossator.text.records import Read, Record

__all__ = ["CHANCES", "Asked", "Models", "Served"]

CHANCES = "probabilities"
"""Where the probabilities of all classes stand in an answer, where they are asked for."""


@dataclass(frozen=True)
class Asked:
    """What is asked of the answers of a request, beside the texts.

    Attributes:
        top_k: how many possibilities each answer lists; None leaves it to the task.
        max_windows: a text of more windows is refused.
        wishes: of the task, by name.
        chances: whether the probability of every class is told too, of a task that has classes.
    """

    top_k: int | None = None
    max_windows: int | None = None
    wishes: tuple[tuple[str, Any], ...] = ()
    chances: bool = False


class Served:
    """One model with its queue.

    Args:
        name: under which it is asked.
        predictor: the model.
        version: of its folder: the SHA-256 of the manifest.
        budget: tokens that go through it at once.
        max_wait: seconds that a text waits for others while it is free.
        observe: is told of each batch.

    Attributes:
        created: when it was opened, seconds since 1970.
    """

    def __init__(
        self,
        name: str,
        predictor: Predictor,
        version: str,
        *,
        budget: int,
        max_wait: float = 0.0,
        observe: Callable[[str, Measured], None] = lambda *_: None,
    ):
        self.name, self.predictor, self.version = name, predictor, version
        self.created = int(time.time())
        told = functools.partial(observe, name)
        self._queue = functools.partial(Batcher, budget=budget, max_wait=max_wait, observe=told)
        self.batcher = self._queue(self)

    def reopen(self) -> None:
        """Take questions again after the queue was closed."""
        self.batcher = self._queue(self)

    def read(
        self, inputs: Sequence[Any], asked: Asked, most: int | None = None
    ) -> list[Question | Problem]:
        """Each input as a question, or why it is none; takes a while: tokens are counted.

        Args:
            inputs: texts, or what the task reads.
            asked: of their answers.
            most: characters at most, of all together; None: as many as there are.

        Raises:
            Refused: the model knows no such wish, or of one too much is asked; or there is too much
                to read.
        """
        wishes = dict(asked.wishes)
        self._refuse_much(wishes)
        try:
            task = self.predictor.asked(asked.top_k, wishes)
        except InputError as error:
            raise Refused(Problem("bad_request", error.message, 400)) from None
        read = self.predictor.read_each(inputs, asks=wishes)
        found = [_record(*each) for each in zip(inputs, read, strict=True)]
        records = [each for each in found if isinstance(each, Record)]
        unread = task.unread if isinstance(task, Preparing) else 0
        _refuse_large(unread + sum(characters_of(task, record) for record in records), most)
        before = iter([unread])  # the first of them waits for that, which has no more tokens
        rows = iter(zip(records, task.encode(records), strict=True))
        return [
            each
            if isinstance(each, Problem)
            else _question(task, *next(rows), asked, next(before, 0))
            for each in found
        ]

    def answer(
        self, kind: Hashable, items: Sequence[Any], step: Callable[[], None] = lambda: None
    ) -> Sequence[dict[str, Any]]:
        """See `Answerer`."""
        assert isinstance(kind, Asked)
        records, rows = zip(*items, strict=True)
        found = self.predictor.answer_records(
            list(records),
            list(rows),
            top_k=kind.top_k,
            progress=lambda _: step(),
            **dict(kind.wishes),
        )
        told = [one.to_json() for one in found]
        if kind.chances:
            for one, chances in zip(told, found.probabilities.tolist(), strict=True):
                one[CHANCES] = chances
        return told

    def _refuse_much(self, wishes: Mapping[str, Any]) -> None:
        """Raise Refused where a wish would have the model work for longer than others can wait."""
        for name, most in config_named(self.predictor.task.name).most.items():
            value = wishes.get(name)
            if isinstance(value, int) and value > most:
                message = f"'{name}' may be {most:,} at most where others wait for the model too"
                raise Refused(Problem("too_much", message, 422))

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes of its task, in their order; None where it has none."""
        task = self.predictor.task
        return task.classes if isinstance(task, Probabilities) else None

    @property
    def embeds(self) -> bool:
        """Whether its answers are vectors."""
        return isinstance(self.predictor.task, Vectors)

    @property
    def ranks(self) -> bool:
        """Whether its answers put texts in order for a query."""
        return isinstance(self.predictor.task, Relevance)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of what it reads of an input; a model that reads one thing takes it bare."""
        roles = {role: (role,) for role in self.predictor.reader().columns}
        inputs = self.predictor.task.reader(roles).inputs
        trained = self.predictor.reader()
        also = trained.also if isinstance(trained, Partly) else ()
        return (*(name for names in inputs.values() for name in names), *also)

    @cached_property
    def example(self) -> Any:
        """An input that it reads."""
        words = self.predictor.task.words()
        if words.command_format == "jsonl":
            return json.loads(words.command_input)
        return words.command_input

    @cached_property
    def examples(self) -> Mapping[str, Any]:
        """An input for each task of a model that has several, by the names of the tasks."""
        task = self.predictor.task
        if not isinstance(task, Composed):
            return {}
        return task.examples(self.predictor.reader().columns)

    def warm_up(self) -> None:
        """Answer once, so that the first client does not wait for what is made at first use."""
        questions = self.read([*self.examples.values()] or [self.example], Asked())
        self.answer(Asked(), [x.item for x in questions if isinstance(x, Question)])


def _refuse_large(characters: int, most: int | None) -> None:
    """Raise Refused before texts are cut that a small body may ask to be read very often."""
    if most is not None and characters > most:
        message = (
            f"{characters:,} characters, each counted as often as it is read; at most {most:,} "
            "are taken at once"
        )
        raise Refused(Problem("too_long", message, 413))


def _question(
    task: Task, record: Record, row: Encoded, asked: Asked, before: int
) -> Question | Problem:
    if why := too_long(row, asked.max_windows):
        return Problem("too_long", why, 422)
    # What is to be written takes room too, as much as is asked for.
    return Question((record, row), before + sum(map(task.cost, row)), asked)


def _record(given: Any, read: Read | TextError) -> Record | Problem:
    """What was read of an input, or why it has no answer."""
    if not isinstance(read, Record):
        return Problem("bad_text", read.message, 422)
    # Also in what is not read, which may be told again: masked, or as a part of an answer.
    if any(map(_is_broken, (*read.texts, *_strings(given)))):
        return Problem("bad_text", "the text holds half of a surrogate pair", 422)
    return read


def _strings(value: Any) -> Iterator[str]:
    """All strings of a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in (*value, *value.values()):
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class Models:
    """The models of an endpoint by name; one that is swapped out answers what it was asked.

    Args:
        added: is told of each model that answers from now on, and
        removed: of the name of one that answers no more.
    """

    def __init__(
        self,
        added: Callable[[Served], None] = lambda _: None,
        removed: Callable[[str], None] = lambda _: None,
    ):
        self._added, self._removed = added, removed
        self._served: dict[str, Served] = {}
        self._users: dict[Served, int] = {}
        self._changed = threading.Lock()

    def all(self) -> list[Served]:
        """In the order in which they were loaded."""
        return list(self._served.values())

    def get(self, name: str) -> Served | None:
        """One by its name."""
        return self._served.get(name)

    def put(self, served: Served) -> None:
        """Answer with a model from now on; one of the same name ends once nobody asks it."""
        with self._changed:
            old = self._served.get(served.name)
            self._served[served.name] = served
            self._end_if_unused(old)
        self._added(served)

    def remove(self, name: str) -> bool:
        """Answer with a model no longer; whether there was one."""
        with self._changed:
            old = self._served.pop(name, None)
            self._end_if_unused(old)
        if old is not None:
            self._removed(name)
        return old is not None

    @contextlib.contextmanager
    def using(self, served: Served) -> Iterator[None]:
        """Keep a model for the length of a request, also one that went since it was looked up."""
        with self._changed:
            self._users[served] = self._users.get(served, 0) + 1
            if served.batcher.closed:
                served.reopen()
        try:
            yield
        finally:
            with self._changed:
                self._users[served] -= 1
                if not self._users[served]:
                    del self._users[served]
                self._end_if_unused(served)

    def _end_if_unused(self, served: Served | None) -> None:
        """End the queue of a model that is no longer served, and that no request keeps."""
        if served is None or served in self._users:
            return
        if self._served.get(served.name) is not served:
            served.batcher.close(timeout=0)
