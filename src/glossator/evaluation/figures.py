"""What a task has to show, in plain values: report, model card and terminal draw them.

A task fills these from its scores; whoever draws them knows no task. All but a `Quote` may stand in
a model card, so only a quote may hold a text of the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import ArrayLike, NDArray

from glossator.evaluation.calibration import Reliability

__all__ = [
    "Cell",
    "Column",
    "Curve",
    "Figure",
    "Histogram",
    "Line",
    "Mark",
    "Matrix",
    "Measure",
    "Pair",
    "Quote",
    "Quotes",
    "ReliabilityDiagram",
    "Scatter",
    "Section",
    "Table",
    "Tiles",
    "VectorMap",
    "Words",
]

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True)
class Measure:
    """A score: how it is named and printed, and which way is up.

    Args:
        name: its key in the scores of a task; its interval is at `NAME_ci`.
        title: what people read.
        unit: a share from 0 to 1, printed in percent, a number, or a count.
        better: which end is the good one.
        note: a few words where there is no interval, such as `nats a row; lower is better`.
        hub: its name on the Hugging Face hub; with one it stands in the card's front matter.
    """

    name: str
    title: str
    unit: Literal["share", "number", "count"]
    better: Literal["high", "low"]
    note: str = ""
    hub: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table; a `bar` is a share that is drawn beside its percent."""

    title: str
    kind: Literal["text", "count", "share", "number", "bar"]


@dataclass(frozen=True)
class Table:
    """Names and figures; a cell that is None is not defined.

    Args:
        title: above it; may be empty.
        columns: K of them.
        rows: each of K cells, in the order to be read.
        shown: how many rows are seen at once; None: all.
        noun: what the rows are, in the plural.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    shown: int | None = None
    noun: str = "rows"


@dataclass(frozen=True, eq=False)
class Matrix:
    """What was answered for what was right: counts `(C, C)`, the right class down."""

    title: str
    counts: NDArray[Any]
    names: Sequence[str]


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a curve: values across and up, `(P,)` each, P at least 1."""

    name: str
    x: ArrayLike
    y: ArrayLike


@dataclass(frozen=True, eq=False)
class Curve:
    """Lines over a common axis.

    Args:
        title: above it.
        series: at least one.
        x_label: what is across.
        y_label: what is up.
        y_range: lowest and highest value up; None: what the lines need.
        mark: a place across and what stands there.
    """

    title: str
    series: Sequence[Line]
    x_label: str
    y_label: str
    y_range: tuple[float, float] | None = None
    mark: tuple[float, str] | None = None


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values `(N,)` occur; `mark` is a place across and what stands there."""

    title: str
    values: ArrayLike
    x_label: str
    y_label: str
    mark: tuple[float, str] | None = None


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points `(N,)` with the diagonal, where what is up equals what is across."""

    title: str
    x: ArrayLike
    y: ArrayLike
    x_label: str
    y_label: str


@dataclass(frozen=True, eq=False)
class VectorMap:
    """Vectors as points of a plane, near ones near; where each stands is found when it is drawn.

    Args:
        title: above it.
        vectors: `(N, D)`, N at least 1; only their directions count.
        groups: `(N,)` the number of each one's group.
        names: of the groups.
        ringed: `(N,)` whether a ring stands round it.
    """

    title: str
    vectors: ArrayLike
    groups: ArrayLike
    names: Sequence[str]
    ringed: ArrayLike


@dataclass(frozen=True, eq=False)
class ReliabilityDiagram:
    """How often answers were right at each confidence; its error is told beside the title."""

    title: str
    reliability: Reliability


@dataclass(frozen=True)
class Mark:
    """A marked piece of a text: characters from `start` to before `end`, and its class.

    `right` was found as it is, `missed` is there and was not found, `wrong` was found and is not
    there.
    """

    start: int
    end: int
    label: str
    kind: Literal["right", "missed", "wrong"]


@dataclass(frozen=True)
class Quote:
    """A text of the data with its answer.

    Args:
        text: of the row.
        gold: what is right; empty where the marks say it.
        answer: what was answered; likewise.
        score: how sure that was, from 0 to 1, or None.
        source: the file.
        line: of the file, or None.
        marks: pieces of the text; they may overlap.
    """

    text: str
    gold: str
    answer: str
    score: float | None = None
    source: str = ""
    line: int | None = None
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Quotes:
    """Texts of the data, the most telling first.

    Args:
        title: above them.
        quotes: some fifty at most.
        shown: how many are seen at once.
        none: a sentence for the case that there are none.
    """

    title: str
    quotes: Sequence[Quote]
    shown: int = 20
    none: str = ""


@dataclass(frozen=True, eq=False)
class Tiles:
    """A few scores in large type: the first four of `measures` that have a value."""

    measures: Sequence[Measure]
    scores: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two figures side by side."""

    left: Figure
    right: Figure


Figure: TypeAlias = (
    Table
    | Matrix
    | Curve
    | Histogram
    | Scatter
    | VectorMap
    | ReliabilityDiagram
    | Quotes
    | Tiles
    | Pair
)


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the report.

    Args:
        id: its anchor; not one of the report's own: scores, training, data, use, run.
        title: its heading.
        figures: in order.
        aside: what a reader has to know to read them, in sentences, for the margin.
        notes: what the reader has to know of this very model; the card and the terminal say it too.
        short: its name in the navigation; by default the title.
    """

    id: str
    title: str
    figures: Sequence[Figure]
    aside: Sequence[str] = ()
    notes: Sequence[str] = ()
    short: str = ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said of a task.

    Args:
        does: one sentence, such as `Reads a text and says which of 77 classes it belongs to.`
        caution: one sentence on what an answer always is.
        opens_as: the class of transformers that opens the model folder.
        pipeline: the pipeline of transformers that runs it, or empty.
        python_input: a row as it is typed into `model.predict([...])`.
        command_input: a row as it is piped into `glossator predict`.
        command_format: the `--format` of that row.
        elsewhere: one sentence on what transformers does otherwise.
        decided: sentences on how a model output becomes an answer.
        labels: names of the classes, for the card's front matter.
        meanings: what stands for each where a model reads it, of names that nothing was learned
            for; empty where the name does.
    """

    does: str
    caution: str
    opens_as: str
    pipeline: str
    python_input: str
    command_input: str
    command_format: str = "text"
    elsewhere: str = ""
    decided: Sequence[str] = ()
    labels: Sequence[str] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
