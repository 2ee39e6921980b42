"""What a table is, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from glossator.cli.options import TableOptions
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen, grid
from glossator.errors import ColumnError, ModelFolderError
from glossator.models.starter import STARTERS, locate
from glossator.text.columns import LabelledText, check_columns, labelled_texts
from glossator.text.preflight import Preflight, preflight
from glossator.text.tables import Rejection, Table, open_table
from glossator.text.token_lengths import CountTokens
from glossator.text.tokenizer import Tokenizer

__all__ = ["inspect_table"]

_LABELS = 20


def inspect_table(
    path: str, text: Sequence[str], label: str | None, options: TableOptions, screen: Screen
) -> None:
    """Show the columns of a table, its labels, and what preflight finds.

    Raises:
        TableError: the table cannot be read.
        ColumnError: a column is missing, or none was named and none can be guessed.
    """
    table = open_table(path, format=options.format, encoding=options.encoding)
    columns = _text_columns(table, text, label)
    name = label or ("label" if "label" in table.columns else None)
    check_columns(table, [*columns, *([name] if name else [])])
    labels: Counter[str] = Counter()
    starter, count = _token_counter()
    checked = preflight(
        _counted(labelled_texts(table, columns, name), labels),
        token_lengths=count,
        notes=table.notes,
        labelled=name is not None,
    )
    screen.json(_object(table, columns, name, labels, checked))
    screen.line(f"{table.path}: a table with the columns {', '.join(table.columns)}")
    read = f"text read from {', '.join(columns)}"
    screen.line(f"  {read}, {f'labels from {name}' if name else 'no labels (--label names them)'}")
    if starter:
        screen.line(f"  tokens counted as {starter} does")
    screen.title("Preflight")
    screen.findings(checked.findings, result=True)
    if labels:
        _show_labels(screen, labels)


def _text_columns(table: Table, asked: Sequence[str], label: str | None) -> tuple[str, ...]:
    others = [name for name in table.columns if name != (label or "label")]
    if asked:
        return tuple(asked)
    if "text" in table.columns or not table.columns:
        return ("text",)
    if len(others) == 1:
        return (others[0],)
    named = ", ".join(table.columns)
    raise ColumnError(f"which column is the text? name it with --text; there are: {named}")


def _token_counter() -> tuple[str | None, CountTokens | None]:
    """The tokenizer of a starter that is on this machine."""
    for name in STARTERS:
        try:
            tokenizer = Tokenizer.load(locate(name))
        except ModelFolderError:
            continue
        return name, partial(_lengths, tokenizer)
    return None, None


def _lengths(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    return [len(ids) for ids in tokenizer.encode(texts)]


def _counted(
    items: Iterator[LabelledText | Rejection], labels: Counter[str]
) -> Iterator[LabelledText | Rejection]:
    for item in items:
        if isinstance(item, LabelledText) and item.label:
            labels[item.label] += 1
        yield item


def _object(
    table: Table,
    columns: Sequence[str],
    label: str | None,
    labels: Counter[str],
    checked: Preflight,
) -> dict[str, Any]:
    rows = checked.rows["train"]
    return {
        "kind": "table",
        "path": table.path,
        "columns": list(table.columns),
        "text": list(columns),
        "label": label,
        "rows": {"read": rows.read, "used": rows.used, "rejected": rows.rejected},
        "labels": dict(labels.most_common()),
        "notes": table.notes,
        "findings": [finding.to_json() for finding in checked.findings],
    }


def _show_labels(screen: Screen, labels: Counter[str]) -> None:
    most = labels.most_common(_LABELS)
    title = f"{len(labels):,} labels"
    screen.title(title if len(most) == len(labels) else f"{title}, the {_LABELS} most frequent")
    total = labels.total()
    rows = [(shortened(name, 60), f"{n:,}", f"{n / total:.1%}") for name, n in most]
    screen.table(grid(("label", "rows", "share"), rows))
