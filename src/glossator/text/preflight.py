"""Look at the rows before anything is learned from them, and say what is wrong.

Nothing is changed: rows with an empty text or label are rejected by name, every other row is kept,
and each finding says so or says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glossator.errors import TableError
from glossator.text.checks import findings_of
from glossator.text.columns import LabelledText
from glossator.text.findings import Finding
from glossator.text.rows import Rejection
from glossator.text.seen import Seen
from glossator.text.token_lengths import CountTokens, TokenLengths

__all__ = ["Finding", "Preflight", "RowCounts", "preflight"]


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of one part; read = used + rejected."""

    read: int
    used: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a preflight found.

    Args:
        findings: in the order in which they are read best.
        rejections: the rows that cannot be used, in order.
        rows: counts for each part, `train` first.
        rejected: for each part the positions of its rejected rows, from 0.
    """

    findings: tuple[Finding, ...]
    rejections: tuple[Rejection, ...]
    rows: Mapping[str, RowCounts]
    rejected: Mapping[str, frozenset[int]]

    def keep(self, part: str, items: Iterable[LabelledText | Rejection]) -> Iterator[LabelledText]:
        """Yield the rows of `items` that can be used; `items` is what the part was checked on."""
        gone = self.rejected[part]
        for position, item in enumerate(items):
            if position not in gone and isinstance(item, LabelledText):
                yield item

    def raise_for_errors(self) -> None:
        """Raise TableError with the first finding of severity `error`, if there is one."""
        for finding in self.findings:
            if finding.severity == "error":
                raise TableError(finding.message)


def preflight(
    train: Iterable[LabelledText | Rejection],
    dev: Iterable[LabelledText | Rejection] | None = None,
    test: Iterable[LabelledText | Rejection] | None = None,
    *,
    token_lengths: CountTokens | None = None,
    limit: int | None = None,
    notes: Sequence[str] = (),
    labelled: bool = True,
) -> Preflight:
    """Check the rows of one, two or three parts; each is gone through once, and may be a stream.

    Args:
        train: the rows to learn from, or those of a table to inspect; rejections are counted too.
        dev: the rows to choose by.
        test: the rows to score on.
        token_lengths: counts the tokens of texts, or None.
        limit: the tokens that fit in one window.
        notes: what reading the tables found (`Table.notes`); read after the rows.
        labelled: false for a table without labels; then what concerns labels is left out.
    """
    parts: list[Seen] = []
    lengths = TokenLengths(token_lengths, limit) if token_lengths else None
    for name, items in (("train", train), ("dev", dev), ("test", test)):
        if items is None:
            continue
        seen = Seen(name, tuple(parts), labelled=labelled)
        for item in items:
            if seen.add(item) and lengths and isinstance(item, LabelledText):
                lengths.add(item.text)
        parts.append(seen)
    found = list(findings_of(parts, labelled=labelled))
    found[1:1] = [Finding("note", "info", note) for note in notes]
    found += lengths.findings() if lengths else []
    return Preflight(
        tuple(found),
        tuple(rejection for part in parts for rejection in part.rejections),
        {p.name: RowCounts(p.read, p.used, len(p.rejections)) for p in parts},
        {part.name: frozenset(part.rejected) for part in parts},
    )
