"""Look at the rows before anything is learned from them, and say what is wrong.

Nothing is changed: rows that cannot be used were rejected by name when they were read, every other
row is kept, and each finding says so or says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from glossator.errors import TableError
from glossator.text.checks import findings_of
from glossator.text.findings import Finding
from glossator.text.records import Examiner, Fitting, Read, Record, Trusting
from glossator.text.rows import Rejection
from glossator.text.seen import Seen
from glossator.text.token_lengths import Tokenizing, TokenLengths
from glossator.text.tokenizer import Tokenizer

__all__ = ["Finding", "Preflight", "RowCounts", "preflight"]


_SHOWN = 3  # rejections in the message of an error


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
    """

    findings: tuple[Finding, ...]
    rejections: tuple[Rejection, ...]
    rows: Mapping[str, RowCounts]

    def raise_for_errors(self) -> None:
        """Raise TableError with the first finding of severity `error`, if there is one.

        It says of the first rows that cannot be used why, since they may be what is wrong.
        """
        for finding in self.findings:
            if finding.severity == "error":
                raise TableError("; ".join([finding.message, *self._told()]))

    def _told(self) -> list[str]:
        """The first rejections in words."""
        shown = [f"{x.source}:{x.line}: {x.message}" for x in self.rejections[:_SHOWN]]
        more = len(self.rejections) - len(shown)
        if shown:
            shown[0] = f"rejected were {shown[0]}"
        return shown + ([f"and {more:,} more"] if more else [])


def preflight(
    train: Iterable[Read],
    dev: Iterable[Read] | None = None,
    test: Iterable[Read] | None = None,
    *,
    examiner: Examiner | None = None,
    tokenizer: Tokenizing | None = None,
    limit: int | None = None,
    notes: Sequence[str] = (),
) -> Preflight:
    """Check the rows of one, two or three parts; each is gone through once, and may be a stream.

    Args:
        train: the rows to learn from, or those of a table to inspect; rejections are counted too.
        dev: the rows to choose by.
        test: the rows to score on.
        examiner: the task's own look at them.
        tokenizer: of the model, or None.
        limit: the tokens that fit in one window.
        notes: what reading the tables found (`Table.notes`); read after the rows.
    """
    parts: list[Seen] = []
    examiner = examiner or Trusting()
    if isinstance(examiner, Fitting) and isinstance(tokenizer, Tokenizer) and limit:
        examiner.fit(tokenizer, limit)
        limit = None
    lengths = TokenLengths(tokenizer, limit) if tokenizer else None
    for name, items in (("train", train), ("dev", dev), ("test", test)):
        if items is None:
            continue
        seen = Seen(name, tuple(parts), tell=examiner.tell)
        for item in items:
            seen.add(item)
            if not isinstance(item, Record):
                examiner.reject(name, item)
                continue
            examiner.add(name, item)
            if lengths:
                lengths.add(*item.texts)
        parts.append(seen)
    found = list(findings_of(parts))
    found[1:1] = [Finding("note", "info", note) for note in notes]
    found += examiner.findings()
    found += lengths.findings() if lengths else []
    return Preflight(
        tuple(found),
        tuple(rejection for part in parts for rejection in part.rejections),
        {p.name: RowCounts(p.read, p.used, len(p.rejections)) for p in parts},
    )
