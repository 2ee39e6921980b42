"""How good the relations of all entities of a text are: both models together, strictly.

Taillé et al. 2020, "Let's stop incorrect comparisons in end-to-end relation extraction!" (strict
but for the labels of the entities, which a table of relations does not have).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.figures import Column, Measure, Quote, Section, Table
from glossator.evaluation.paired import micro_f1, paired_sums
from glossator.evaluation.proportions import unless_degenerate
from glossator.tasks.kinds.relation_extraction.places import Place
from glossator.tasks.kinds.relation_extraction.prediction import RelationsPrediction
from glossator.tasks.learnable import Encoded
from glossator.tasks.mistakes import mistakes_section
from glossator.tasks.no_skill import useless
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding
from glossator.text.records import Record
from glossator.text.rows import Row

__all__ = ["MEASURES", "EntityRelationScores"]

MEASURES = (
    Measure("f1", "F1", "share", "high", hub="f1"),
    Measure("precision", "Precision", "share", "high"),
    Measure("recall", "Recall", "share", "high"),
    Measure("pairs_found", "Pairs found", "share", "high", note="both ends of head and tail"),
    Measure("relations", "Relations", "count", "high"),
)

_SHOWN = 15
_KEPT = 50

Triple: TypeAlias = tuple[Place, Place, str]
"""Head, tail and relation."""


class _Deciding(Protocol):
    """What of a task its scores ask for."""

    negative: str | None

    def decode(self, record: Record, row: Encoded, answer: Answer) -> RelationsPrediction:
        """The relations of a text."""


@dataclass(slots=True)
class _Text:
    """A text that several rows may be about.

    Attributes:
        row: the first of them.
        text: what it says.
        found: the relations that were answered, and
        places: those of the entities.
        gold: the relations that are right.
    """

    row: Row
    text: str
    found: set[Triple]
    places: set[Place]
    gold: set[Triple] = field(default_factory=set)

    @property
    def sums(self) -> tuple[int, int, int]:
        """Hits, answers given and answers that are right."""
        return len(self.gold & self.found), len(self.found), len(self.gold)

    def told(self, triples: set[Triple]) -> str:
        """Relations in words."""
        return "; ".join(
            f"{self.text[slice(*head)]} {relation} {self.text[slice(*tail)]}"
            for head, tail, relation in sorted(triples)
        )


class EntityRelationScores:
    """Adds up relations text by text; memory grows with the different texts.

    A row is one relation of its text, and all rows on a text together are what is right of it.

    Args:
        task: answers a text.
        intervals: whether `result` holds bootstrap intervals, over texts.
    """

    def __init__(self, task: _Deciding, *, intervals: bool):
        self._task, self._intervals = task, intervals
        self._texts: dict[bytes, _Text] = {}

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        for record, row, answer in zip(records, rows, answers, strict=True):
            pair = record.input
            key = hashlib.blake2b(pair.text.encode("utf-8"), digest_size=16).digest()
            if key not in self._texts:
                said = self._task.decode(record, row, answer)
                places = {(x.start, x.end) for x in said.entities}
                self._texts[key] = _Text(record.row, pair.text, _triples(said), places)
            if record.target != self._task.negative:
                self._texts[key].gold.add((pair.head, pair.tail, record.target))

    @property
    def sums(self) -> NDArray[np.int64]:
        """(N, 3) of each text, see `_Text.sums`."""
        return np.array([text.sums for text in self._texts.values()], np.int64).reshape(-1, 3)

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            f1, precision, recall: of relations with both ends of head and tail; None where there
                is none and none was found.
            pairs_found: share of them whose head and tail were found; None where there are none.
            relations: how many there are.
            f1_ci: `[low, high]`, 95 percent, over texts.

        Raises:
            InputError: there are no rows.
        """
        if not self._texts:
            raise InputError("there are no rows to score")
        sums = self.sums
        hits, found, gold = (int(x) for x in sums.sum(axis=0))
        there = sum(
            head in text.places and tail in text.places
            for text in self._texts.values()
            for head, tail, _ in text.gold
        )
        score = {
            "f1": 2 * hits / (found + gold) if found + gold else None,
            "precision": hits / found if found else None,
            "recall": hits / gold if gold else None,
            "pairs_found": there / gold if gold else None,
            "relations": gold,
        }
        return score | (_interval(sums) if self._intervals and found + gold else {})

    def remarks(self) -> list[Finding]:
        """That no relation is right."""
        hits, _, gold = self.sums.sum(axis=0)
        if hits or not gold:
            return []
        return useless("the two models find no relation rightly", int(gold))

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return [self._relations(), self._mistakes(split)]

    def _relations(self) -> Section:
        hits, found, gold = Counter[str](), Counter[str](), Counter[str]()
        for text in self._texts.values():
            for counter, triples in (
                (hits, text.gold & text.found),
                (found, text.found),
                (gold, text.gold),
            ):
                counter.update(relation for _, _, relation in triples)
        f1 = {x: 2 * hits[x] / (found[x] + gold[x]) for x in found.keys() | gold.keys()}
        rows = [
            (x, f1[x], hits[x] / max(1, found[x]), hits[x] / max(1, gold[x]), gold[x])
            for x in sorted(f1, key=lambda x: (f1[x], x))
        ]
        columns = (
            Column("Relation", "text"),
            Column("F1", "bar"),
            Column("Precision", "share"),
            Column("Recall", "share"),
            Column("There", "count"),
        )
        return Section(
            id="relations",
            title="Relations, weakest first",
            figures=[Table("", columns, rows, _SHOWN, "relations")],
            aside=("A relation is right where both ends of head and tail and its name are.",),
            short="Relations",
        )

    def _mistakes(self, split: str) -> Section:
        wrong = [text for text in self._texts.values() if text.gold != text.found]
        wrong.sort(key=lambda text: -len(text.gold ^ text.found))
        quotes = [
            Quote(
                text.text,
                text.told(text.gold - text.found) or "nothing more",
                text.told(text.found - text.gold) or "nothing more",
                source=text.row.source,
                line=text.row.line,
            )
            for text in wrong[:_KEPT]
        ]
        return mistakes_section(
            split,
            quotes,
            (),
            none=f"All relations of the {split} texts are right.",
            said="What was missed, and what was found and is not there.",
        )

    def paired(self, other: EntityRelationScores) -> Paired:
        """See `Scores`; F1 over the texts that both answered decides."""
        difference = paired_sums("f1", self.sums, other.sums, micro_f1)
        return Paired(
            differences=(difference,),
            tests={},
            p_value=difference.p_value,
            b_is_better=difference.difference > 0,
            same=all(
                text.found == again.found
                for text, again in zip(self._texts.values(), other._texts.values(), strict=True)
            ),
        )


def _triples(said: RelationsPrediction) -> set[Triple]:
    return {
        ((x.head.start, x.head.end), (x.tail.start, x.tail.end), x.label) for x in said.relations
    }


def _interval(sums: NDArray[np.int64]) -> dict[str, list[float]]:
    cells, counts = np.unique(sums, axis=0, return_counts=True)
    found = bootstrap_intervals(
        counts, {"f1": lambda block: micro_f1((block @ cells).astype(np.float64))}
    )
    return {"f1_ci": unless_degenerate(found["f1"], sums[:, 2].sum())}
