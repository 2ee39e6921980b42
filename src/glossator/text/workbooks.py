"""Sheets of Excel and OpenDocument through python-calamine, which is imported only here."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import PurePath
from typing import Any, TypeAlias

from glossator.errors import MissingPackageError, TableError, did_you_mean
from glossator.extras import require
from glossator.text.columns import check_header, matching, tidy_header
from glossator.text.config import TableConfig
from glossator.text.decoding import check_file
from glossator.text.rows import Item, Reading, Rejection, Row, Table

__all__ = ["open_workbook"]

_EXACT = 2**53  # from here on a float is not every whole number
_TITLES = 3  # rows of one cell above a header, at most
_Cells: TypeAlias = Sequence[Any]


def open_workbook(path: str, config: TableConfig, notes: list[str]) -> Table:
    """A sheet of an .xlsx, .xls, .xlsb or .ods file as a table; it is held in memory.

    A cell is the text that its value has: `3` and not `3.0`, `2024-02-29`, `TRUE`; an empty one is
    an empty text. Of a formula it is the value that was saved, of a percent the number.

    Args:
        path: the file.
        config: says which sheet, and the names of the columns of one without a header.
        notes: receives what was found worth saying.

    Raises:
        MissingPackageError: python-calamine is not installed.
        TableError: the file is no workbook, damaged or encrypted; the sheet is not there, or
            several have rows and none was named.
        ColumnError: the header is refused, see `check_header`.
    """
    workbook = _opened(path)
    sheet = _Sheet(path, *_chosen(workbook, path, config.sheet, notes), notes)
    return Table(sheet.name, lambda: sheet.read(config.columns), notes)


class _Sheet:
    """A sheet that is read as often as asked for.

    Args:
        path: of its workbook.
        title: its name.
        cells: what calamine holds of it.
        notes: receives what was found worth saying.
    """

    def __init__(self, path: str, title: str, cells: Any, notes: list[str]) -> None:
        self.path, self.title, self._cells, self._notes = path, title, cells, notes
        self.name = path

    def read(self, columns: tuple[str, ...]) -> Reading:
        """The columns, and the rows with their numbers in the sheet."""
        places = self._places
        if not places:
            raise TableError(f"sheet '{self.title}' is empty: it has no header", file=self.path)
        rows = self._rows()
        if columns:
            whole = [*range(places[-1] + 1)]
            return check_header(columns, self.path), self._items(rows, columns, whole)
        number, header = self._header()
        if number > 1:
            self._note(f"the header of sheet '{self.title}' is row {number}")
        end = max(header) + 1
        # A column between others in which nothing stands at all is for looks.
        inner = [place for place in places if place < end]
        names = check_header(
            tidy_header([header.get(place, "") for place in inner], self._note), self.path, number
        )
        beyond = [place for place in places if place >= end]
        rest = (item for item in rows if item[0] > number)
        return names, self._items(rest, names, [*inner, *beyond])

    @cached_property
    def _places(self) -> list[int]:
        """The columns, from 0, in which something stands."""
        return sorted({place for _, row in self._rows() for place in row})

    def _rows(self) -> Iterator[tuple[int, dict[int, str]]]:
        """The number and the filled cells, by their places, of each row that has some."""
        for number, row in enumerate(self._cells.iter_rows(), start=1):
            texts = ((place, _text(value)) for place, value in enumerate(row))
            filled = {place: text for place, text in texts if text}
            if filled:
                yield number, filled

    def _header(self) -> tuple[int, dict[int, str]]:
        """The first row, or the one below a title: below rows with one cell one with several."""
        first = list(islice(self._rows(), _TITLES + 1))
        return next((row for row in first if len(row[1]) > 1), first[0])

    def _items(
        self, rows: Iterable[tuple[int, dict[int, str]]], names: Sequence[str], places: list[int]
    ) -> Iterator[Item]:
        before: int | None = None
        for number, row in rows:
            if before is not None and number > before + 1:
                self._note("blank rows are skipped", f"; the first is row {before + 1}")
            before = number
            yield self._item(number, row, names, places)

    def _item(
        self, number: int, row: dict[int, str], names: Sequence[str], places: list[int]
    ) -> Item:
        values = {
            name: row.get(place, "")
            for name, place in zip(names, [*places, *[-1] * len(names)], strict=False)
        }
        beyond = [place for place in places[len(names) :] if place in row]
        if beyond:
            got = len(names) + len(beyond)
            message = f"expected {len(names)} cells as in the header, got {got}"
            return Rejection(self.path, number, "ragged", message, values)
        if any("\0" in text for text in row.values()):
            return Rejection(self.path, number, "nul", "the row holds a NUL character", values)
        return Row(self.path, number, values)

    def _note(self, text: str, detail: str = "") -> None:
        note = f"{self.path}: {text}"
        if not any(earlier.startswith(note) for earlier in self._notes):
            self._notes.append(note + detail)


def _opened(path: str) -> Any:
    """The workbook, told by its bytes: programs call tables of any kind .xls."""
    try:
        require("excel")
    except MissingPackageError as error:
        error.file = path
        raise
    import python_calamine as calamine

    if path == "-":
        raise TableError("a workbook is not read from standard input; save it to a file", file=path)
    file = check_file(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}", file=path) from None
    try:
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except calamine.CalamineError as error:
        message = _explained(path, error)
    raise TableError(message, file=path)


def _explained(path: str, error: Exception) -> str:
    """Why a file is no workbook that can be read."""
    import python_calamine as calamine

    try:
        if PurePath(path).suffix:  # by it calamine looks for a password
            calamine.CalamineWorkbook.from_path(path)
    except calamine.PasswordError:
        return "the workbook is encrypted; save it without a password"
    except (calamine.CalamineError, OSError) as closer:
        error = closer
    return (
        f"cannot be read as a workbook, or is damaged ({error}); where it is a text file in truth, "
        "--format names its format"
    )


def _chosen(workbook: Any, path: str, asked: str | None, notes: list[str]) -> tuple[str, Any]:
    """The name and the cells of the sheet asked for, or of the only one that has rows."""
    import python_calamine as calamine

    sheets = {
        sheet.name: sheet.visible == calamine.SheetVisibleEnum.Visible
        for sheet in workbook.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
    }
    listed = ", ".join(name + " (hidden)" * (not shown) for name, shown in sheets.items())
    if asked is not None:
        name = matching(asked, list(sheets))
        if name not in sheets:
            message = f"there is no sheet '{asked}'; it has: {listed or 'none'}"
            raise TableError(message + did_you_mean(asked, sheets), file=path)
        return name, _loaded(workbook, name, path)
    loaded = {
        name: _loaded(workbook, name, path)
        for name, shown in sheets.items()
        if shown or not any(sheets.values())
    }
    filled = [name for name, cells in loaded.items() if cells.height]
    if len(filled) > 1:
        message = f"{len(filled)} sheets have rows; name one with --sheet; there are: {listed}"
        raise TableError(message, file=path)
    if not filled:
        raise TableError(f"no sheet has a row; there are: {listed or 'none'}", file=path)
    if len(sheets) > 1:
        notes.append(f"{path}: sheet '{filled[0]}', the only one with rows, is read")
    return filled[0], loaded[filled[0]]


def _loaded(workbook: Any, name: str, path: str) -> Any:
    import python_calamine as calamine

    try:
        return workbook.get_sheet_by_name(name)
    except (calamine.CalamineError, OSError) as error:
        raise TableError(f"sheet '{name}' is damaged: {error}", file=path) from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # Spreadsheets count in 15 digits: 0.1 + 0.2 is shown as 0.3.
        whole = value.is_integer() and abs(value) < _EXACT
        return str(int(value)) if whole else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _duration(value: datetime.timedelta) -> str:
    """Hours, minutes and seconds, as `[h]:mm:ss` shows them."""
    seconds = value.total_seconds()
    minutes, rest = divmod(round(abs(seconds)), 60)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest:02}"
