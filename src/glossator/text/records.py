"""Rows as a task reads them: what goes in, and what is to come out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from glossator.text.findings import Finding
from glossator.text.rows import Rejection, Row

if TYPE_CHECKING:
    from glossator.text.tokenizer import Tokenizer

__all__ = ["Columns", "Examiner", "Fitting", "Read", "Record", "Role", "Trusting", "in_place"]

T = TypeVar("T")

Columns: TypeAlias = Mapping[str, tuple[str, ...]]
"""The columns of a table by the role that they have."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a column is to a task; also the name of the option that names it.

    Attributes:
        name: in snake case, `text_pair`.
        help: what stands in the column, in a few words.
        target: whether it is what the task learns to answer.
        many: whether several columns may have it, whose texts are joined.
        usual: names of columns that have it unless the user says otherwise; the role's own first.
        optional: whether a table to be answered or scored may lack it.
    """

    name: str
    help: str
    target: bool = False
    many: bool = False
    usual: tuple[str, ...] = ()
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name, and the other usual ones."""
        return (self.name, *self.usual)


@dataclass(frozen=True, slots=True)
class Record:
    """A row with what a task reads off it, whose types are the task's business.

    Attributes:
        row: where it comes from, with all its columns.
        input: what is answered.
        target: the right answer, hashable; None in a table without.
        texts: all text of the input: what is counted, and what makes two rows the same.
        held_out: whether nothing is learned from it: it only serves to decide and to score.
        together: what rows that stay in one part of a split have alike; None: their texts.
        asked: what is asked of the texts, where it is not the same of all rows; equal texts of
            which other things are asked are two rows.
    """

    row: Row
    input: Any
    target: Any
    texts: tuple[str, ...]
    held_out: bool = False
    together: Hashable = None
    asked: str = ""


Read: TypeAlias = "Record | Rejection"
"""A row that a task can use, or why it cannot."""


def in_place(items: Iterable[Read], found: Iterable[T]) -> Iterator[T | Rejection]:
    """What was found for the records among N items, and each rejection where it stands."""
    rest = iter(found)
    for item in items:
        yield item if isinstance(item, Rejection) else next(rest)


class Examiner(Protocol):
    """A task's own look at the rows before anything is learned from them."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each class occurs that is to be learned; empty where there are none."""

    def add(self, part: str, record: Record) -> None:
        """Take in the next row of `train`, `dev` or `test`, in this order of parts."""

    def reject(self, part: str, rejection: Rejection) -> None:
        """Take notice of a row that cannot be used."""

    def tell(self, target: Any) -> str:
        """A target in a few words, as it is shown where equal inputs have two."""

    def findings(self) -> Sequence[Finding]:
        """What there is to say of the rows seen."""


@runtime_checkable
class Fitting(Protocol):
    """An examiner of rows whose long texts are read otherwise than in overlapping windows."""

    def fit(self, tokenizer: Tokenizer, limit: int) -> None:
        """Is told of the model before the rows: its tokens, and how many fit in one window."""


class Trusting:
    """An examiner that finds nothing."""

    counts: Mapping[str, int] = {}

    def add(self, part: str, record: Record) -> None:
        pass

    def reject(self, part: str, rejection: Rejection) -> None:
        pass

    def tell(self, target: Any) -> str:
        return repr(target)

    def findings(self) -> Sequence[Finding]:
        return ()
