"""Rows of several tasks: each says which it is of, and is read as that one reads it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.errors import InputError, TextError, did_you_mean
from glossator.tasks.kinds.multi_task.config import Options
from glossator.tasks.kinds.multi_task.examiner import MemberExaminers
from glossator.tasks.kinds.multi_task.members import Member, Piece, member_of
from glossator.tasks.task import NeedsDev, Reader
from glossator.text.columns import rejected, text_of
from glossator.text.findings import quoted
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row
from glossator.text.task_tables import TASK, check_name

__all__ = ["Known", "MultiTaskReader"]


@dataclass(frozen=True)
class Known:
    """A task, and what reads its rows."""

    member: Member
    reader: Reader


class MultiTaskReader:
    """Reads each row as its task does.

    A row that names no task is read by every task whose columns it has, unless it is not told
    which of them its right answer is of.

    Args:
        columns: the one that names the task, by its role; without one no row does.
        options: what is said of the tasks.
        known: the tasks, by name; None where they are yet to be found in the rows.
        only: the one of them that reads rows.
    """

    def __init__(
        self,
        columns: Columns,
        options: Options,
        known: Mapping[str, Known] | None = None,
        only: str | None = None,
    ):
        self.columns, self._only = columns, only
        self._said, self._open = options.said(), known is None
        self._known: dict[str, Known] = dict(known or {})

    @property
    def _column(self) -> str:
        return self.columns.get("member", (TASK,))[0]

    @property
    def inputs(self) -> Columns:
        """The columns that each of the tasks reads; other ones a row may have or not."""
        every = [
            dict(known.reader.inputs)
            for name, known in self._known.items()
            if self._only in (None, name)
        ]
        first = every[0] if every else {}
        return {
            role: names
            for role, names in first.items()
            if all(other.get(role) == names for other in every)
        }

    @property
    def also(self) -> Sequence[str]:
        """See `Partly`: the column that names the task, and those that only some tasks read."""
        every = {
            column: None
            for name, known in self._known.items()
            if self._only in (None, name)
            for column in sorted(_wanted(known, False))
        }
        named = [self._column] if "member" in self.columns else []
        common = {column for names in self.inputs.values() for column in names}
        return [*named, *(column for column in every if column not in common)]

    @property
    def needs_dev(self) -> str:
        """See `NeedsDev`."""
        found = (x.reader.needs_dev for x in self._known.values() if isinstance(x.reader, NeedsDev))
        return next(filter(None, found), "")

    def given(self, value: Any) -> Mapping[str, Any]:
        """The columns of all tasks that can take the value.

        Raises:
            TextError: none can.
        """
        found: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {}
        name = text_of(found.get(self._column))
        name = name if name in self._known else self._only
        asked = list(self._known.values()) if name is None else [self._known[name]]
        refused: TextError | None = None
        for known in asked:
            try:
                found |= _given(known.reader, value)
            except TextError as error:
                refused = error
        if not found and refused is not None:
            raise refused
        return found

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        names = self._named(row, targets)
        if isinstance(names, Rejection):
            return names
        pieces, refused = [], None
        for name in names:
            known = self._known[name]
            read = known.reader.read(row, targets=targets)
            if isinstance(read, Rejection):
                refused = refused or rejected(row, read.kind, f"task '{name}': {read.message}")
            else:
                pieces.append(Piece(known.member, read))
        if not pieces:
            assert refused is not None
            return refused
        return _record(row, pieces)

    def _named(self, row: Row, targets: bool) -> Sequence[str] | Rejection:
        """The tasks that read a row."""
        value = row.values.get(self._column) if "member" in self.columns else None
        if value is None or value == "":
            return self._fitting(row, targets)
        name = text_of(value)
        if name is None or (wrong := check_name(name)):
            message = wrong if name is not None else f"{value!r:.60} is no name of a task"
            return rejected(row, "task_name", f"column '{self._column}': {message}")
        if self._only not in (None, name) and name in self._known:
            message = f"the row is of the task {quoted(name)}; asked for was '{self._only}' alone"
            return rejected(row, "other_task", message)
        if name in self._known:
            return [name]
        if not self._open:
            hint = did_you_mean(name, self._known)
            message = f"there is no task {quoted(name)}; there are: {', '.join(self._known)}{hint}"
            return rejected(row, "unknown_task", message)
        self._known[name] = self._found(name, row)
        return [name]

    def _found(self, name: str, row: Row) -> Known:
        """A task whose first row this is.

        In a table of all tasks a row has the columns of the others too, which hold nothing.
        """
        said = self._said.get(name, {})
        columns = [column for column in row.values if column != self._column]
        holding = [column for column in columns if row.values[column] not in (None, "")]
        try:
            member = member_of(name, said, row, holding)
        except InputError:
            member = member_of(name, said, row, columns)
        return Known(member, member.reader())

    def _fitting(self, row: Row, targets: bool) -> Sequence[str] | Rejection:
        """The tasks whose columns a row has that names none."""
        if self._open:
            message = f"column '{self._column}' names no task"
            return rejected(row, "missing_column", message)
        has = {name for name, value in row.values.items() if value is not None}
        among = {x: known for x, known in self._known.items() if self._only in (None, x)}
        fitting = [name for name, known in among.items() if _wanted(known, targets) <= has]
        if not fitting:
            listed = "; ".join(
                f"{name}: {', '.join(sorted(_wanted(known, targets)))}"
                for name, known in among.items()
            )
            message = f"the row has the columns of no task; they read {listed}"
            return rejected(row, "missing_column", message)
        if targets and (both := self._alike(fitting)):
            message = (
                f"the row may be of the tasks {' and '.join(both)}; expected a column "
                f"'{self._column}' that names one, or --only {both[0]}"
            )
            return rejected(row, "several_tasks", message)
        return fitting

    def _alike(self, names: Sequence[str]) -> list[str]:
        """The first two tasks whose right answers are read from one column."""
        seen: dict[str, str] = {}
        for name in names:
            known = self._known[name]
            for column in _wanted(known, True) - _wanted(known, False):
                if column in seen:
                    return [seen[column], name]
                seen[column] = name
        return []

    def examiner(self) -> MemberExaminers:
        """See `Reader`."""
        return MemberExaminers(self._column, lambda name: self._known[name].reader.examiner())

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """The task of a row, and what that task wants like shares of."""
        found: list[Hashable] = [None] * len(records)
        by_task: dict[str, list[int]] = {}
        for number, record in enumerate(records):
            by_task.setdefault(record.asked, []).append(number)
        for name, numbers in by_task.items():
            inner = [records[i].input[0].record for i in numbers]
            strata = self._known[name].reader.strata(inner) or [None] * len(inner)
            for i, stratum in zip(numbers, strata, strict=True):
                found[i] = (name, stratum)
        return found


def _given(reader: Reader, value: Any) -> Mapping[str, Any]:
    several = [names for names in reader.inputs.values() if len(names) > 1]
    if several and not isinstance(value, Mapping):
        listed = ", ".join(several[0])
        raise TextError(f"is {value!r:.60}; expected a mapping with the columns {listed}")
    return reader.given(value)


def _wanted(known: Known, targets: bool) -> set[str]:
    columns = known.reader.columns if targets else known.reader.inputs
    return {name for names in columns.values() for name in names}


def _record(row: Row, pieces: Sequence[Piece]) -> Record:
    inner = [piece.record for piece in pieces]
    name, first = "+".join(piece.member.name for piece in pieces), inner[0]
    known = [(piece.member.name, piece.record.target) for piece in pieces]
    return Record(
        row,
        tuple(pieces),
        None if all(target is None for _, target in known) else tuple(known),
        tuple(dict.fromkeys(text for record in inner for text in record.texts)),
        held_out=all(record.held_out for record in inner),
        together=first.texts if first.together is None else first.together,
        asked=name,
    )
