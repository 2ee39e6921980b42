"""The answers of relation extraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Piece", "RelationFound", "RelationPrediction", "RelationScore", "RelationsPrediction"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text.

    Attributes:
        start: its first character.
        end: the character after its last one.
        text: the characters between.
        label: what it is; None where nobody said.
    """

    start: int
    end: int
    text: str
    label: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        named = {} if self.label is None else {"label": self.label}
        return {"start": self.start, "end": self.end, "text": self.text, **named}


@dataclass(frozen=True, slots=True)
class RelationScore:
    """A relation and its calibrated probability, from 0 to 1."""

    label: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {"label": self.label, "score": round(self.score, 6)}


@dataclass(frozen=True, slots=True)
class RelationPrediction:
    """The relation of head and tail.

    Attributes:
        label: the most probable one.
        score: its calibrated probability, from 0 to 1.
        head: where the head stands in `text`, and
        tail: the tail.
        labels: the most probable relations, the most probable first.
        text: the text, without marks.
        n_tokens: tokens of the text, special tokens and marks left out.
        left_out: how many of these, far from head and tail, the model did not read.
        windows: always 1.
    """

    label: str
    score: float
    head: Piece
    tail: Piece
    labels: tuple[RelationScore, ...]
    text: str
    n_tokens: int
    left_out: int
    windows: int = 1

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        found = RelationFound(self.head, self.tail, self.label, self.score, self.left_out)
        return {
            "relations": [found.to_json()],
            "labels": [x.to_json() for x in self.labels],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }


@dataclass(frozen=True, slots=True)
class RelationFound:
    """A relation of two entities of a text.

    Attributes:
        head: where the head stands and what it is, and
        tail: the tail.
        label: what they have to do with each other.
        score: its calibrated probability, from 0 to 1.
        left_out: tokens of the text, far from both, that the model did not read for them.
    """

    head: Piece
    tail: Piece
    label: str
    score: float
    left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {
            "head": self.head.to_json(),
            "tail": self.tail.to_json(),
            "label": self.label,
            "score": round(self.score, 6),
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class RelationsPrediction:
    """The relations of one text, of which there may be none.

    Attributes:
        relations: in the order of their heads, and of equal ones of their tails.
        entities: what was found in the text, in order.
        text: the text.
        n_tokens: its tokens, special tokens and marks left out.
        windows: how often it was read: once for each pair that was asked.
    """

    relations: tuple[RelationFound, ...]
    entities: tuple[Piece, ...]
    text: str
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "relations": [x.to_json() for x in self.relations],
            "entities": [x.to_json() for x in self.entities],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
