"""The Predictor: a model with its task, which answers."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from glossator.artifact.card import untrained_card
from glossator.artifact.folder import Details
from glossator.artifact.saving import save_folder
from glossator.artifact.scored_rows import rows_to_score
from glossator.artifact.summary import as_html, as_line
from glossator.errors import ConfigError, InputError, TextError
from glossator.models.config import RuntimeConfig
from glossator.models.hardware import choose_device, using_threads
from glossator.models.readiness import make_ready
from glossator.tasks.answers import answer_rows
from glossator.tasks.learnable import Encoded
from glossator.tasks.prediction import Prediction
from glossator.tasks.registry import asks_of, columns_for, config_named
from glossator.tasks.task import (
    Answer,
    Preparing,
    Probabilities,
    Reader,
    ScoredByColumns,
    Task,
    Vectors,
    WithFiles,
)
from glossator.text.frames import frame_rows, plain_row
from glossator.text.records import Columns, Read, Record, in_place
from glossator.text.rows import Rejection, Row

__all__ = ["TOKEN_BUDGET", "Answers", "Blank", "Predictor", "too_long"]

Blank: TypeAlias = Literal["skip", "raise"]
"""What becomes of a text that shows nothing: it has no answer, or is an error."""

# Tokens that go through the model at once. More is no faster on a CPU, whose caches hold no more.
TOKEN_BUDGET = 4096


class Answers(Sequence[Prediction]):
    """The answers for N rows, in order; predictions are made when they are looked at.

    Attributes:
        task: what decides.
        records: the N rows.
        rows: their examples.
        raw: what the model says of each, before anything is decided.
    """

    def __init__(
        self,
        task: Task,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        raw: Sequence[Answer],
    ):
        self.task, self.records, self.rows, self.raw = task, records, rows, raw

    def __len__(self) -> int:
        return len(self.raw)

    @overload
    def __getitem__(self, number: int) -> Prediction: ...
    @overload
    def __getitem__(self, number: slice) -> Answers: ...

    def __getitem__(self, number: int | slice) -> Prediction | Answers:
        if isinstance(number, slice):
            return Answers(self.task, self.records[number], self.rows[number], self.raw[number])
        return self.task.decode(self.records[number], self.rows[number], self.raw[number])

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities, of a task that has them.

        Raises:
            InputError: it has none.
        """
        return _classifying(self.task).probabilities(self.raw)

    def decided_by(self, task: Task) -> Answers:
        """The same, decided on anew."""
        return Answers(task, self.records, self.rows, self.raw)


class Predictor:
    """A model that answers; one with classes has the habits of a scikit-learn classifier.

    Made by `glossator.fit` and `glossator.load`.

    Args:
        model: in float32, on the CPU; has an encoder and notes.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.

    Attributes:
        notes: what a user of the model should know.
    """

    def __init__(
        self, model: nn.Module, task: Task, details: Details, runtime: RuntimeConfig | None = None
    ):
        self.runtime = runtime or RuntimeConfig()
        self.device = choose_device(self.runtime.device)
        self.model, self.task, self.details = model.to(self.device).eval(), task, details
        self.notes: tuple[str, ...] = model.notes  # type: ignore[assignment]

    def __repr__(self) -> str:
        return as_line(self.task, self.details)

    def _repr_html_(self) -> str:
        """The scores as a table, in a notebook."""
        return as_html(self.task, self.details)

    @property
    def classes_(self) -> NDArray[Any]:
        """(C,) the classes, of their types, in the order of the columns of `predict_proba`.

        Raises:
            InputError: the task has none.
        """
        return np.array(_classifying(self.task).classes)

    def predict(
        self,
        inputs: Iterable[Any],
        *,
        top_k: int | None = None,
        max_windows: int | None = None,
        blank: Blank = "skip",
        progress: Callable[[int], None] = lambda _: None,
        **asks: Any,
    ) -> list[Any]:
        """The answers for N rows, in order; None for a text that shows nothing.

        A model would give an empty text some label too, with a probability that means nothing.

        Args:
            inputs: N texts of any length, or what else the task reads: pairs, a table, mappings by
                column; a long text is read in windows, and its answer says so.
            top_k: how many possibilities each answer lists.
            max_windows: refuse a text of more windows, which takes that much longer to answer.
            blank: `raise` makes an error of a text, or one of a pair, that shows nothing.
            progress: is told how many windows were answered since the last call.
            **asks: what else is wanted of the answers, where the task knows such wishes:
                `max_new_tokens=20`.

        Raises:
            InputError: `inputs` is a single text or a mapping.
            TextError: one is no text, holds a lone surrogate, cannot be answered, or has too many
                windows.
        """
        items = self.read(inputs, blank=blank, asks=asks)
        found = self._answers(
            items, top_k=top_k, max_windows=max_windows, progress=progress, asks=asks
        )
        return [None if isinstance(x, Rejection) else x for x in in_place(items, found)]

    def predict_proba(self, inputs: Iterable[Any], *, blank: Blank = "skip") -> NDArray[np.float64]:
        """(N, C) calibrated probabilities; the columns are `classes_`.

        The row of a text that shows nothing is NaN, and a warning counts them.

        Args:
            inputs: as for `predict`.
            blank: as for `predict`.

        Raises:
            InputError: the task has no classes.
            TextError: as for `predict`.
        """
        _classifying(self.task)
        items = self.read(inputs, blank=blank)
        chances = self._answers(items).probabilities
        read = [isinstance(item, Record) for item in items]
        if all(read):
            return chances
        _warn_of_blanks(items, "have NaN for probabilities")
        whole = np.full((len(items), chances.shape[1]), np.nan)
        whole[np.array(read)] = chances
        return whole

    def embed(
        self, inputs: Iterable[Any], *, blank: Blank = "skip", **asks: Any
    ) -> NDArray[np.float32]:
        """(N, D) vectors of N texts, of a task that has them.

        The row of a text that shows nothing is NaN, and a warning counts them.

        Args:
            inputs: as for `predict`.
            blank: as for `predict`.
            **asks: as for `predict`.

        Raises:
            InputError: the task has none.
            TextError: as for `predict`.
        """
        if not isinstance(self.task, Vectors):
            raise InputError(f"{self.task.name} has no vectors")
        items = self.read(inputs, blank=blank, asks=asks)
        vectors = self.task.vectors(self._answers(items, asks=asks).raw)
        read = [isinstance(item, Record) for item in items]
        if all(read):
            return vectors
        _warn_of_blanks(items, "have NaN for a vector")
        encoder: Any = self.model.encoder
        whole = np.full((len(items), encoder.width), np.nan, np.float32)
        whole[np.array(read)] = vectors.reshape(-1, encoder.width)
        return whole

    def score(self, inputs: Iterable[Any], targets: Iterable[Any] | None = None) -> float:
        """Share of the N rows that get their class, from 0 to 1.

        Of a task that is `ScoredByColumns` it is the first measure of such rows: of vectors how
        well pairs find each other, their cosines follow numbers, or labels stand together.

        A text that shows nothing is left out, as `evaluate` rejects it, and a warning counts them.

        Args:
            inputs: as for `predict`; of a task that is `ScoredByColumns` also pairs of texts.
            targets: the N right answers; None where pairs of texts say what is right.

        Raises:
            InputError: there are no rows with a text, another number of targets than of rows, a
                target is of another type than those that were learned, or the task has no classes.
            TextError: of a task that is `ScoredByColumns` an input cannot be read.
        """
        values, right = _listed(inputs), None if targets is None else _listed(targets)
        if isinstance(self.task, ScoredByColumns):
            return self._score_by_columns(values, right)
        task = _classifying(self.task)
        if right is None:
            name = self.task.name
            raise InputError(f"{name} is scored against labels; expected them beside texts")
        if not values or len(values) != len(right):
            raise InputError(
                f"expected as many labels as texts, got {len(right)} and {len(values)}"
            )
        items = self.read(values)
        kept = [label for label, x in zip(right, items, strict=True) if isinstance(x, Record)]
        if not kept:
            raise InputError(f"no row can be scored: the texts of all {len(items):,} are empty")
        if len(kept) < len(items):
            _warn_of_blanks(items, "are not scored")
        return task.share_right(kept, self._answers(items).raw)

    def _score_by_columns(self, inputs: list[Any], targets: list[Any] | None) -> float:
        config = config_named(self.task.name)
        columns, rows = rows_to_score(config, self.details.columns, inputs, targets)
        model = self.scored_by(columns)
        measure, reader = model.task.measures[0], model.reader()
        if measure.better != "high":
            raise InputError("texts alone say nothing of how good it is; give pairs, or labels")
        items = [reader.read(Row("input", n, row), targets=True) for n, row in enumerate(rows)]
        for number, item in enumerate(items):
            if isinstance(item, Rejection) and not item.blank:
                raise TextError(f"text {number}: {item.message}")
        records = [item for item in items if isinstance(item, Record)]
        if not records:
            raise InputError(f"no row can be scored: the texts of all {len(items):,} are empty")
        if len(records) < len(items):
            warnings.warn(_blanks(items, "are not scored"), stacklevel=3)
        answers = model.answer_records(records)
        scores = model.task.scores(intervals=False)
        scores.add(records, answers.rows, answers.raw)
        found = scores.result()[measure.name]
        return np.nan if found is None else float(found)

    def scored_by(self, columns: Columns) -> Predictor:
        """The same model, scored by these columns where its task is `ScoredByColumns`; else itself.

        Args:
            columns: of a table, by role, see `registry.columns_scored`.
        """
        if not isinstance(self.task, ScoredByColumns):
            return self
        found = copy.copy(self)
        found.task = self.task.scored_by(columns)
        found.details = dataclasses.replace(self.details, columns=columns)
        return found

    def reader(self, typed: Columns | None = None, asks: Mapping[str, Any] | None = None) -> Reader:
        """Reads the rows of a table; by default from the columns that were learned from.

        Args:
            typed: other columns, by role.
            asks: what is wanted of the answers, which may ask for less of a row.

        Raises:
            ConfigError: the task reads no such column, or knows no such wish.
        """
        config = config_named(self.task.name)
        task = self.asked(None, asks or {})
        return task.reader(columns_for(config, self.details.columns, typed or {}))

    def read(
        self,
        inputs: Iterable[Any],
        *,
        blank: Blank = "skip",
        asks: Mapping[str, Any] | None = None,
    ) -> list[Read]:
        """Inputs as the task reads them; what shows nothing is a Rejection.

        Arguments and errors are those of `predict`.
        """
        if blank not in ("skip", "raise"):
            raise ConfigError(f"blank is {blank!r}; expected 'skip' or 'raise'")
        items: list[Read] = []
        for number, found in enumerate(self.read_each(inputs, asks=asks)):
            if isinstance(found, TextError):
                raise TextError(f"text {number} {found.message}") from None
            if isinstance(found, Rejection) and not (found.blank and blank == "skip"):
                raise TextError(f"text {number}: {found.message}")
            items.append(found)
        return items

    def read_each(
        self, inputs: Iterable[Any], *, asks: Mapping[str, Any] | None = None
    ) -> Iterator[Read | TextError]:
        """As `read`, but what cannot be read is a Rejection or an error in its place.

        Raises:
            InputError: as for `predict`.
        """
        trained = self.reader(asks=asks)
        # A bare text is what the columns of its role hold once they are joined.
        task = self.asked(None, asks or {})
        plain = task.reader({role: (role,) for role in trained.columns})
        columns = {name for names in trained.columns.values() for name in names}
        for number, value in enumerate(_listed(inputs)):
            named = isinstance(value, Mapping) and not columns.isdisjoint(value)
            reader = trained if named else plain
            try:
                yield reader.read(
                    Row("input", number, plain_row(reader.given(value))), targets=False
                )
            except TextError as error:
                yield error

    def records(self, inputs: Iterable[Any]) -> list[Record]:
        """As `read`; what shows nothing is an error."""
        return [item for item in self.read(inputs, blank="raise") if isinstance(item, Record)]

    def answers(
        self,
        inputs: Iterable[Any],
        *,
        top_k: int | None = None,
        max_windows: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
        **asks: Any,
    ) -> Answers:
        """As `predict` with `blank="raise"`, and beside the predictions what decided them."""
        items = self.read(inputs, blank="raise", asks=asks)
        return self._answers(
            items, top_k=top_k, max_windows=max_windows, progress=progress, asks=asks
        )

    def _answers(
        self,
        items: Sequence[Read],
        *,
        top_k: int | None = None,
        max_windows: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
        asks: Mapping[str, Any] | None = None,
    ) -> Answers:
        """The answers for the records among N items."""
        wishes = asks or {}
        records = [item for item in items if isinstance(item, Record)]
        rows = self.asked(top_k, wishes).encode(records)
        for number, row in enumerate(in_place(items, rows)):
            if isinstance(row, Encoded) and (why := too_long(row, max_windows)):
                raise TextError(f"text {number}: {why}")
        return self.answer_records(records, rows, top_k=top_k, progress=progress, **wishes)

    def asked(self, top_k: int | None, asks: Mapping[str, Any]) -> Task:
        """The task, told what is wanted of its answers."""
        wishes = asks_of(config_named(self.task.name), asks) if asks else None
        return self.task.asked(top_k=top_k, asks=wishes)

    def ready(
        self,
        top_k: int | None = None,
        asks: Mapping[str, Any] | None = None,
        *,
        step: Callable[[], None] = lambda: None,
    ) -> Task:
        """As `asked`, and able to answer: what it has to know of the model first, it has asked.

        Args:
            top_k: how many possibilities each answer lists.
            asks: what else is wanted of the answers.
            step: is called now and then while the model is asked; what it raises ends that.
        """
        task = self.asked(top_k, asks or {})
        if not isinstance(task, Preparing):
            return task
        return task.prepared(functools.partial(self._asking, step=step))

    def _asking(
        self, task: Task, records: Sequence[Record], *, step: Callable[[], None]
    ) -> list[Answer]:
        """What the model says of records, as a task asks it."""
        step()
        with self._set_up():
            return self._raw(task, records, task.encode(records), lambda _: step())

    def answer_records(
        self,
        records: Sequence[Record],
        rows: Sequence[Encoded] | None = None,
        *,
        top_k: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
        **asks: Any,
    ) -> Answers:
        """As `answers`, for rows that were read, and perhaps encoded.

        What `progress` raises ends the answering; it is called between the steps of a long answer
        too, and between those of what a task asks the model first.
        """
        task = self.ready(top_k, asks, step=lambda: progress(0))
        encoded = task.encode(records) if rows is None else rows
        with self._set_up():
            raw = self._raw(task, records, encoded, progress)
        return Answers(task, records, encoded, raw)

    def _raw(
        self,
        task: Task,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Answer]:
        return answer_rows(
            task,
            self.model,
            records,
            rows,
            token_budget=TOKEN_BUDGET,
            device=self.device,
            alone=self.runtime.precision == "exact",
            progress=progress,
        )

    def use(self, task: Task) -> None:
        """Decide as another task of the same kind does, from now on; `save` writes it."""
        self.task = task
        self.details = dataclasses.replace(self.details, saved=task.saved())

    def make_ready(self) -> None:
        """Do what hangs on the weights alone now, and not with each text.

        The weights must not be changed afterwards: answers would not follow them.
        """
        make_ready(self.model, self._dtype)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Raises:
            OutputExistsError: `folder` exists and `overwrite` is false, or it is no model folder.
            OSError: the disk is full or read-only; `folder` is then as it was.
        """
        encoder: Any = self.model.encoder
        details = dataclasses.replace(self.details, saved=self.task.saved())
        if not details.is_trained:
            card = untrained_card(Path(folder).resolve().name, self.task.words(), details)
            details = dataclasses.replace(details, card=card)
        save_folder(
            self.model,
            self.task.tokenizer,
            details,
            folder,
            opens_as=self.task.opens_as,
            files=self.task.files(encoder.width) if isinstance(self.task, WithFiles) else None,
            overwrite=overwrite,
        )

    @property
    def _dtype(self) -> torch.dtype:
        """What answers are computed in."""
        return torch.bfloat16 if self.runtime.precision == "bfloat16" else torch.float32

    @contextlib.contextmanager
    def _set_up(self) -> Iterator[None]:
        """The threads and the precision asked for, for the length of a block."""
        encoder: Any = self.model.encoder
        before = encoder.compute_dtype
        encoder.compute_dtype = self._dtype
        try:
            with using_threads(self.runtime.threads):
                yield
        finally:
            encoder.compute_dtype = before


def too_long(row: Encoded, max_windows: int | None) -> str | None:
    """Why a row of more windows than `max_windows` is refused; None of one that is not."""
    if max_windows is None or row.windows <= max_windows:
        return None
    return f"the text is read in {row.windows:,} windows; expected at most {max_windows:,}"


def _warn_of_blanks(items: Sequence[Read], what: str) -> None:
    """Warn the caller of a method of this file."""
    warnings.warn(_blanks(items, what), stacklevel=3)


def _blanks(items: Sequence[Read], what: str) -> str:
    blank = [number for number, item in enumerate(items) if isinstance(item, Rejection)]
    shares = f"{len(blank):,} of {len(items):,}, the first is text {blank[0]}"
    return f"texts that show nothing ({shares}) {what}"


def _classifying(task: Task) -> Probabilities:
    if not isinstance(task, Probabilities):
        raise InputError(f"{task.name} has no classes and so no probabilities of them")
    return task


def _listed(values: Any) -> list[Any]:
    """Inputs as a list; what would be read as something else than its rows is refused."""
    expected = "expected a list of texts, or of what else the task reads"
    if isinstance(values, str | bytes):
        raise InputError(f"{expected}, got a single string; put it in a list")
    if isinstance(values, Mapping):
        raise InputError(f"{expected}, got a single mapping; put it in a list")
    rows = frame_rows(values)
    if rows is not None:
        return rows
    if not isinstance(values, Iterable):
        raise InputError(f"{expected}, got {values!r:.60} ({type(values).__name__})")
    return list(values)
