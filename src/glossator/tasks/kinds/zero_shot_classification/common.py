"""What both ways of answering have in common: the question, and labels as classification has."""

from __future__ import annotations

import abc
import copy
import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from glossator.errors import ConfigError, InputError
from glossator.evaluation.few_rows import Scaling, fit_one_label, fit_several_labels
from glossator.evaluation.figures import Measure, Words
from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.text_classification.several import SeveralLabels
from glossator.tasks.kinds.zero_shot_classification.config import CONFIG, Asks
from glossator.tasks.kinds.zero_shot_classification.question import Question
from glossator.tasks.learnable import Batch, Coupling, Encoded
from glossator.tasks.task import Answer, Base, Scores, Task
from glossator.tasks.windowed import Windowed
from glossator.text.findings import count_of, quoted
from glossator.text.records import Columns, Record

__all__ = ["ZeroShot", "ZeroShotDecision"]

Ask = Callable[[Task, Sequence[Record]], Sequence[Answer]]

_KEPT = 8  # questions whose preparations are remembered
_SHOWN = 5
_CAUTIONS = (
    "An answer is one of the labels in any case: a text that belongs to none of them still gets "
    "one, so look at the score.",
    "A text may be given no label at all, where none is probable enough.",
)


@dataclass(frozen=True, kw_only=True)
class ZeroShotDecision:
    """How scores become logits.

    Attributes:
        temperature: scores are divided by it; above 0.
        biases: what is then added, one a label; empty: nothing.
        calibrated_on: labelled rows that chose both; 0: none did.
    """

    temperature: float = 1.0
    biases: tuple[float, ...] = ()
    calibrated_on: int = 0

    def logits(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """(C,) logits of (C,) scores."""
        biases = self.biases or (0.0,) * len(scores)
        return Scaling(self.temperature, biases).of(scores).astype(np.float32)


class ZeroShot(Windowed, abc.ABC):
    """Which of some labels fits a text best, though nothing was trained for them.

    What the labels are is asked with the texts, or kept in the folder. Answers, scores and figures
    are those of text classification.

    Args:
        own: the task of the model that is asked.
    """

    name = CONFIG.name
    coupling: Coupling = "example"
    chosen_by: Sequence[str] = ()
    settings: Mapping[str, Any] = {}
    decision = ZeroShotDecision()
    _told: Question | None = None
    _labelled: OneLabel | SeveralLabels | None = None

    def __init__(self, own: Task):
        self.own = own
        self.opens_as, self.tokenizer = own.opens_as, own.tokenizer
        self.max_length = own.max_length
        self._prepared: dict[Hashable, Self] = {}  # shared by all copies

    # What is asked

    @property
    def question(self) -> Question:
        """What is asked of every text.

        Raises:
            ConfigError: nothing yet: there are no labels.
        """
        return Question.of(Asks(), None) if self._told is None else self._told

    @property
    def labelled(self) -> OneLabel | SeveralLabels:
        """The task of classification that decides on the labels."""
        assert self._labelled is not None, "see `asked`"
        return self._labelled

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`; what is not asked anew is as it was, and so is what was calibrated.

        Raises:
            ConfigError: there are no labels, or a wish is malformed.
        """
        question = Question.of(asks or Asks(), self._told)
        task = copy.copy(self) if question == self._told else self.asking(question)
        task._labelled = task.labelled.asked(top_k=top_k)
        return task

    def asking(self, question: Question, decision: ZeroShotDecision | None = None) -> Self:
        """The same task with another question, and what was decided for it.

        Raises:
            ConfigError: the model cannot be asked so.
        """
        task = copy.copy(self)
        task._told, task.decision = question, decision or ZeroShotDecision()
        cls = SeveralLabels if question.multi_label else OneLabel
        task._labelled = cls(self.tokenizer, question.labels.names, max_length=self.max_length)
        task.refuse_unfit()
        return task

    @abc.abstractmethod
    def refuse_unfit(self) -> None:
        """Raise ConfigError where the model cannot be asked the question."""

    # What the model is asked before

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Preparing`."""
        return (self._calibration(),) if self.classes else ()

    @property
    def unread(self) -> int:
        """See `Preparing`: of the examples, and of what else each way reads."""
        question = self.question
        if self.is_prepared or question in self._prepared:
            return 0
        rows = question.examples.rows if question.examples else ()
        return sum(len(text) for text, _ in rows) + self.characters_of_labels()

    @abc.abstractmethod
    def characters_of_labels(self) -> int:
        """What the model reads of the labels alone."""

    def prepared(self, ask: Ask) -> Self:
        """See `Preparing`: what is made of the labels, and the calibration on the examples."""
        if self.is_prepared:
            return self
        found = self._prepared.get(self.question)
        if found is None:
            found = self.preparing(ask)._calibrated(ask)
            while len(self._prepared) >= _KEPT:
                self._prepared.pop(next(iter(self._prepared), self.question), None)
            self._prepared[self.question] = found
        task = copy.copy(found)
        task._labelled = self._labelled  # with the top_k of this request
        return task

    @property
    @abc.abstractmethod
    def is_prepared(self) -> bool:
        """Whether the model has been asked."""

    @abc.abstractmethod
    def preparing(self, ask: Ask) -> Self:
        """The same task, which knows what is made of the labels."""

    def _calibrated(self, ask: Ask) -> Self:
        question = self.question
        if question.examples is None:
            return self
        records = question.examples.records(question.labels, several=question.multi_label)
        return self.decided(records, ask(self, records))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The same task, calibrated on these labelled rows, as few as they may be."""
        scores, targets = np.stack(answers), self.labelled.targets(records)
        fit = fit_several_labels if self.question.multi_label else fit_one_label
        fitted = fit(scores, targets)
        task = copy.copy(self)
        task.decision = ZeroShotDecision(
            temperature=fitted.temperature, biases=fitted.biases, calibrated_on=len(records)
        )
        return task

    # Answers, as classification has them

    def reader(self, columns: Columns) -> LabelReader:
        """See `Task`."""
        question = self.question
        options = Options(label_separator=question.label_separator)
        return LabelReader(columns, options, several=question.multi_label)

    @property
    def measures(self) -> Sequence[Measure]:
        """See `Task`."""
        return OneLabel.measures if self._labelled is None else self._labelled.measures

    @property
    def classes(self) -> tuple[Any, ...]:
        """The labels that are asked for, in their order."""
        return () if self._labelled is None else self._labelled.classes

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """See `Probabilities`."""
        return self.labelled.probabilities(answers)

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """See `Probabilities`."""
        return self.labelled.share_right(targets, answers)

    def decode(self, record: Record, row: Encoded, answer: Answer) -> Any:
        """See `Task`."""
        return self.labelled.decode(record, row, answer)

    def scores(self, *, intervals: bool = True, paired: bool = False) -> Scores:
        """See `Task`."""
        return self.labelled.scores(intervals=intervals, paired=paired)

    # The model, which is that of its own task

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return self.own.open(base)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def build(self, base: Base, seed: int) -> NoReturn:
        """Refuse, as `loss`."""
        raise _untrained()

    def loss(self, model: nn.Module, batch: Batch) -> NoReturn:
        """Refuse: nothing is trained.

        Raises:
            InputError: always.
        """
        raise _untrained()

    def saved(self) -> dict[str, Any]:
        """See `Task`; a folder holds its labels.

        Raises:
            ConfigError: there are none.
        """
        if self._told is None:
            raise ConfigError(
                f"a folder of {self.name} holds its labels: glossator.load(..., "
                f"task='{self.name}', labels=[...])"
            )
        learned = {"own": self.own.name, "own_saved": self.own.saved()}
        return {
            "learned": learned | self.question.to_json(),
            "options": {},
            "decision": dataclasses.asdict(self.decision),
        }

    # What each way has of its own

    @abc.abstractmethod
    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""

    @abc.abstractmethod
    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """See `Task`."""

    @abc.abstractmethod
    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(C,) logits of a row, once the task is prepared."""

    # What is said of it

    def words(self) -> Words:
        """See `Task`."""
        labels = self.classes
        several = self._told is not None and self._told.multi_label
        which = (
            f"which of {count_of(len(labels), 'label')} fits best" if labels else "which label fits"
        )
        if several:
            which = f"which of {count_of(len(labels), 'label')} fit, none or several"
        return Words(
            does=f"Reads a text and says {which}, untrained, by {self.how}.",
            caution=_CAUTIONS[several],
            opens_as=self.opens_as,
            pipeline="",
            python_input='"a text"',
            command_input="a text of your own",
            elsewhere="transformers opens the model alone; the labels and what is made of them "
            "stand in glossator.json.",
            decided=[*self.notes, *self._asked_how()],
            labels=labels,
            meanings={x.name: x.description for x in self._told.labels} if self._told else {},
        )

    @property
    @abc.abstractmethod
    def how(self) -> str:
        """By what the labels are told apart, in a few words."""

    def _asked_how(self) -> Iterator[str]:
        """What else was asked for."""
        if self._told is None:
            return
        if self._told.multi_label:
            yield "Each label is asked by itself; a text gets those above one half."
        if self._told.template is not None:
            yield f"A label stands in the sentence {self._told.template!r}."
        if self._told.prefix:
            yield f"{self._told.prefix!r} stands before each text."

    def _calibration(self) -> str:
        decision = self.decision
        if not decision.calibrated_on:
            return (
                f"Labels are told apart by {self.how}; probabilities are not calibrated, which "
                "a few labelled rows would do (--examples)."
            )
        return (
            f"Labels are told apart by {self.how}, calibrated on "
            f"{count_of(decision.calibrated_on, 'labelled row')}: a temperature of "
            f"{decision.temperature:.3g} and a bias a label{self._without()}."
        )

    def _without(self) -> str:
        """The labels that no example has."""
        examples = self.question.examples
        if examples is None:
            return ""
        targets = [(x,) if isinstance(x, str) else x for _, x in examples.rows]
        seen = {label for target in targets for label in target}
        missing = [name for name in self.question.labels.names if name not in seen]
        named = ", ".join(map(quoted, missing[:_SHOWN]))
        more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        return f"; no row has {named}{more}" if missing else ""


def _untrained() -> InputError:
    return InputError(f"{CONFIG.name} is not trained; `glossator fit` on labelled rows is")
