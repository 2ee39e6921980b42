"""Model folders and labelled tables, as several verbs open them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from glossator.artifact.opening import AnyOpened, load, load_classifier
from glossator.artifact.predictor import Predictor
from glossator.cli.options import LabelledOptions
from glossator.cli.screen import Screen
from glossator.models.config import RuntimeConfig
from glossator.text.columns import LabelledText, labelled_texts
from glossator.text.tables import Rejection, read_tables

__all__ = ["labelled", "opened", "opened_classifier", "text_columns"]


def opened(folder: Path, runtime: RuntimeConfig, screen: Screen) -> AnyOpened:
    """The model folder, with a word on what its user should know."""
    found = load(folder, runtime=runtime)
    _tell(found.notes, screen)
    return found


def opened_classifier(folder: Path, runtime: RuntimeConfig, screen: Screen) -> Predictor:
    """As `opened`, of a classifier alone."""
    found = load_classifier(folder, runtime=runtime)
    _tell(found.notes, screen)
    return found


def _tell(notes: Sequence[str], screen: Screen) -> None:
    for note in notes:
        screen.say(f"! {note}", "yellow")


def text_columns(predictor: AnyOpened, asked: Sequence[str]) -> tuple[str, ...]:
    """The columns asked for, else those that the model was trained on."""
    return tuple(asked or predictor.details.columns["text"])


def labelled(
    paths: Sequence[str], predictor: Predictor, options: LabelledOptions
) -> Iterator[LabelledText | Rejection]:
    """The rows of labelled tables, a stream.

    Raises:
        ColumnError: a column is missing.
        TableError: a table cannot be read.
    """
    text = text_columns(predictor, options.text)
    label = options.label or predictor.details.columns["label"]
    read = options.table
    table = read_tables(paths, [*text, label], format=read.format, encoding=read.encoding)
    return labelled_texts(table, text, label)
