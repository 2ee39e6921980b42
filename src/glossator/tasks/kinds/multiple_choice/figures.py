"""What multiple choice has to show: numbers of choices, places, mistakes, confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.figures import (
    Column,
    Measure,
    Quote,
    Section,
    Table,
    Words,
)
from glossator.tasks.confidence import confidence_section, tempered
from glossator.tasks.mistakes import mistakes_section
from glossator.text.findings import count_of

__all__ = ["MEASURES", "Counted", "sections", "words"]

MEASURES = (
    Measure("accuracy", "Accuracy", "share", "high", hub="accuracy"),
    Measure("log_loss", "Log loss", "number", "low", note="nats a row; lower is better"),
    Measure("ece", "Calibration error", "share", "low", note="mean gap of sure and right"),
)

_SHOWN = 15


@dataclass(kw_only=True)
class Counted:
    """Rows by their number of choices and by places, counted from 0.

    Attributes:
        temperature: what the logits are divided by.
        sizes: rows by their number of choices, and
        hits: those of them that are right.
        gold: rows by the place of the right choice,
        answered: by that of the answer, and
        found: those that are right.
    """

    temperature: float
    sizes: Counter[int] = field(default_factory=Counter)
    hits: Counter[int] = field(default_factory=Counter)
    gold: Counter[int] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    found: Counter[int] = field(default_factory=Counter)

    def add(self, choices: int, right: int, chosen: int) -> None:
        """Count a row with so many choices, by the places of the right one and the answer."""
        self.sizes[choices] += 1
        self.gold[right] += 1
        self.answered[chosen] += 1
        self.hits[choices] += right == chosen
        self.found[right] += right == chosen

    @property
    def rows(self) -> int:
        """All of them."""
        return self.sizes.total()

    @property
    def right(self) -> int:
        """How many are right."""
        return self.hits.total()

    @property
    def chance(self) -> float:
        """The accuracy of a guess, from 0 to 1."""
        return sum(count / size for size, count in self.sizes.items()) / max(1, self.rows)


def sections(
    counted: Counted,
    *,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
    before: Reliability,
    after: Reliability,
) -> list[Section]:
    """What the scores have to show.

    Args:
        counted: the rows that are reported.
        split: what these rows are called.
        mistakes: wrong answers, the surest first.
        answers: a few answers as they come.
        before: reliability of the answers without the temperature, and
        after: with it.
    """
    return [
        _choices(counted),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"There is no wrong answer in {count_of(counted.rows, f'{split} row')}.",
            said=f"The {split} rows where the model was surest and wrong; choices are numbered "
            "from 0.",
        ),
        _confidence(counted.temperature, before, after),
    ]


def words(temperature: float) -> Words:
    """What is said of a model whose logits are divided by `temperature`."""
    row = '{"question": "a question", "choices": ["one answer", "another"]}'
    return Words(
        does="Reads a question with its choices and says which of them answers it.",
        caution="One of the choices is always answered, also where none is right, so look at the "
        "score.",
        opens_as="AutoModelForMultipleChoice",
        pipeline="",
        python_input=row,
        command_input=row,
        command_format="jsonl",
        elsewhere="transformers takes the pairs of a row together, (1, choices, tokens), and gives "
        "the same logits, without the temperature and the windows for long texts.",
        decided=[
            f"Logits are divided by a temperature of {temperature:.3f}, fitted on the dev rows."
        ],
    )


def _choices(counted: Counted) -> Section:
    sizes = [
        (size, counted.hits[size] / rows, 1 / size, rows)
        for size, rows in sorted(counted.sizes.items())
    ]
    places = [
        (
            place,
            counted.found[place] / counted.gold[place] if counted.gold[place] else None,
            counted.gold[place],
            counted.answered[place],
        )
        for place in sorted(counted.gold.keys() | counted.answered.keys())
    ]
    by_size = (
        Column("Choices", "count"),
        Column("Accuracy", "bar"),
        Column("Of a guess", "share"),
        Column("Rows", "count"),
    )
    by_place = (
        Column("Place, from 0", "count"),
        Column("Found", "bar"),
        Column("Right there", "count"),
        Column("Answered there", "count"),
    )
    return Section(
        id="choices",
        title="Choices",
        figures=[
            Table("By the number of choices", by_size, sizes, _SHOWN, "numbers"),
            Table("By the place of the right choice", by_place, places, _SHOWN, "places"),
        ],
        aside=(
            "The more choices, the rarer a guess is right.",
            "Each choice is scored without its place. Where a place is answered much more often "
            "than it is right, choices differ by their place in something else, such as length.",
        ),
    )


def _confidence(temperature: float, before: Reliability, after: Reliability) -> Section:
    return confidence_section(
        [tempered(temperature, before, after)],
        [
            "Of the choices answered with 80%, eight in ten should be right. Blue bars are how "
            "often they were, red lines how sure the model was.",
            "One number, the temperature, was fitted on the dev rows. It changes no answer.",
        ],
    )
