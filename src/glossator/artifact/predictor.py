"""The Predictor: the one way to get an answer from a model folder."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.artifact.folder import SETTINGS, Details, read_details, write_details
from glossator.artifact.manifest import MANIFEST, verify, write_manifest
from glossator.errors import InputError, ModelFolderError
from glossator.files import new_folder
from glossator.models import checkpoint
from glossator.models.config import RuntimeConfig
from glossator.models.hardware import choose_device, using_threads
from glossator.models.heads import SequenceClassifier
from glossator.tasks.answers import answer_rows
from glossator.tasks.learnable import Example, Logits
from glossator.tasks.prediction import Prediction
from glossator.tasks.text_classification import Decision, TextClassification
from glossator.text.tokenizer import Tokenizer

__all__ = ["Answers", "Predictor", "load"]

# Tokens that go through the model at once. More is no faster on a CPU, whose caches hold no more.
_TOKEN_BUDGET = 4096


class Answers(Sequence[Prediction]):
    """The answers for N texts, in order; predictions are made when they are looked at.

    Attributes:
        task: what decides on a label.
        logits: (N, C), before temperature.
        probabilities: (N, C), calibrated.
    """

    def __init__(
        self,
        task: TextClassification,
        logits: Logits,
        rows: Sequence[Sequence[Example]],
        top_k: int,
    ):
        self.task, self.logits = task, logits
        self.probabilities = task.probabilities(logits)
        self._rows, self._top_k = rows, top_k

    def __len__(self) -> int:
        return len(self.logits)

    @overload
    def __getitem__(self, number: int) -> Prediction: ...
    @overload
    def __getitem__(self, number: slice) -> Answers: ...

    def __getitem__(self, number: int | slice) -> Prediction | Answers:
        if isinstance(number, slice):
            return Answers(self.task, self.logits[number], self._rows[number], self._top_k)
        row = self._rows[number]
        tokens = row[-1].span[1]
        return self.task.decode(self.logits[number], tokens, len(row), self._top_k)

    def decided_by(self, task: TextClassification) -> Answers:
        """The same logits, decided on anew."""
        return Answers(task, self.logits, self._rows, self._top_k)


class Predictor:
    """A model that answers, with the habits of a scikit-learn classifier.

    Made by `glossator.fit` and `glossator.load`.

    Args:
        model: in float32, on the CPU.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.

    Attributes:
        notes: what a user of the model should know.
    """

    def __init__(
        self,
        model: SequenceClassifier,
        task: TextClassification,
        details: Details,
        runtime: RuntimeConfig | None = None,
    ):
        self.runtime = runtime or RuntimeConfig()
        self.device = choose_device(self.runtime.device)
        self.model, self.task, self.details = model.to(self.device).eval(), task, details
        self.notes: tuple[str, ...] = model.notes

    @property
    def classes_(self) -> NDArray[np.str_]:
        """(C,) the labels, in the order of the columns of `predict_proba`."""
        return np.array(self.task.labels)

    def predict(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Prediction]:
        """The answers for N texts, in order.

        Args:
            texts: N texts of any length; a long one is read in windows, and its answer says so.
            top_k: how many labels each answer lists.
            progress: is told how many windows were answered since the last call.

        Raises:
            InputError: `texts` is a single string.
            TextError: a text is no string, or holds a lone surrogate.
        """
        return list(self.answers(texts, top_k=top_k, progress=progress))

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities; the columns are `classes_`."""
        return self.answers(texts).probabilities

    def score(self, texts: Sequence[str], labels: Sequence[str]) -> float:
        """Share of the N texts that get their label, from 0 to 1.

        Raises:
            InputError: there are no texts, another number of labels than of texts, or a label
                is no string, as which every label is learned.
        """
        if not len(texts) or len(texts) != len(labels):
            raise InputError(
                f"expected as many labels as texts, got {len(labels)} and {len(texts)}"
            )
        for label in labels:
            _refuse_no_string(label)
        hits = [a.label == label for a, label in zip(self.predict(texts), labels, strict=True)]
        return sum(hits) / len(hits)

    def answers(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Answers:
        """As `predict`, with logits and probabilities beside the predictions."""
        if isinstance(texts, str):
            raise InputError("expected a list of texts, got a single string; put it in a list")
        return self.answer_examples(self.task.encode(texts), top_k=top_k, progress=progress)

    def answer_examples(
        self,
        rows: Sequence[Sequence[Example]],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Answers:
        """As `answers`, for texts that the task has encoded."""
        if not rows:
            empty = np.zeros((0, len(self.task.labels)), dtype=np.float32)
            return Answers(self.task, empty, rows, top_k)
        with self._ready():
            logits = answer_rows(
                self.task,
                self.model,
                rows,
                token_budget=_TOKEN_BUDGET,
                device=self.device,
                alone=self.runtime.precision == "exact",
                progress=progress,
            )
        return Answers(self.task, logits, rows, top_k)

    def use(self, decision: Decision) -> None:
        """Decide by another temperature and threshold from now on; `save` writes them."""
        self.task.decision = decision
        self.details = dataclasses.replace(self.details, decision=decision)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Raises:
            OutputExistsError: `folder` exists and `overwrite` is false, or it is no model folder.
            OSError: the disk is full or read-only; `folder` is then as it was.
        """
        with new_folder(folder, overwrite=overwrite, marker=MANIFEST) as temporary:
            checkpoint.save(self.model, temporary)
            self.task.tokenizer.save(temporary)
            write_details(self.details, temporary, opens_as=self.task.opens_as)
            write_manifest(temporary)

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        """The threads and the precision asked for, for the length of a block."""
        encoder = self.model.encoder
        before = encoder.compute_dtype
        low = self.runtime.precision == "bfloat16"
        encoder.compute_dtype = torch.bfloat16 if low else torch.float32
        try:
            with using_threads(self.runtime.threads):
                yield
        finally:
            encoder.compute_dtype = before


def load(folder: str | Path, *, runtime: RuntimeConfig | None = None) -> Predictor:
    """Open a model folder: one of ours, or a classifier that `transformers` saved.

    Every file of one of ours is checked against its manifest first.

    Args:
        folder: the model folder.
        runtime: where to run it.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder, or not of a classifier.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelFolderError(f"{folder} {what}; expected a model folder")
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    model = checkpoint.load_classifier(folder)
    _refuse_other_problem(model, folder)
    longest = model.encoder.max_length
    if ours:
        details = read_details(folder, max_length=longest)
    else:
        details = Details(
            task=TextClassification.name,
            columns={"text": ["text"], "label": "label"},
            max_length=longest,
            base_model=folder.name,
        )
    task = TextClassification(
        Tokenizer.load(folder),
        model.labels,
        max_length=details.max_length,
        decision=details.decision,
    )
    predictor = Predictor(model, task, details, runtime)
    if not details.finished:
        predictor.notes += (f"{folder.name} is from a run that was interrupted",)
    return predictor


def _refuse_no_string(label: object) -> None:
    """A label of another type equals none of the model's, and would count as wrong in silence."""
    if not isinstance(label, str):
        kind = type(label).__name__
        raise InputError(f"label {label!r} is of type {kind}; expected a string")


def _refuse_other_problem(model: SequenceClassifier, folder: Path) -> None:
    """A sigmoid or a bare number read as a softmax would answer, and wrongly."""
    expected = "single_label_classification"
    if model.problem_type != expected:
        raise ModelFolderError(
            f"the model is for {model.problem_type} with {len(model.labels)} labels; "
            f"expected {expected} with at least two",
            file=folder / "config.json",
        )
