"""What a preflight found, and the short words it is told in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Finding", "Severity", "Tally", "count_of", "excerpt", "quoted"]

Severity: TypeAlias = Literal["info", "warning", "error"]
_EXAMPLES = 5  # enough to look at; the count says the rest


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is worth knowing about a table, with what was done or what to do.

    Args:
        kind: what it is, in snake case.
        severity: `error` means that nothing can be learned from the table as it is.
        message: one or two short sentences.
        count: how many rows, texts or labels it is about.
        examples: a few of them, with file and line.
    """

    kind: str
    severity: Severity
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The finding as the command line prints it with `--json`."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "count": self.count,
            "examples": list(self.examples),
        }


@dataclass(slots=True)
class Tally:
    """Counts cases and keeps the first few as examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, pattern: str, *parts: object) -> None:
        """Count a case; `pattern` is formatted with `parts` only if the example is kept."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(pattern.format(*parts))

    def finding(self, kind: str, severity: Severity, message: str) -> Finding:
        """The finding with the count and the examples of this tally."""
        return Finding(kind, severity, message, self.count, tuple(self.examples))


def count_of(count: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def excerpt(text: str, length: int = 60) -> str:
    """The beginning of `text` in quotes, on one line and safe to print on a terminal."""
    line = " ".join(text[: 4 * length].split())
    shown = "".join(char if char.isprintable() else "\ufffd" for char in line[:length])
    return f"'{shown}...'" if len(line) > length or len(text) > 4 * length else f"'{shown}'"


def quoted(label: str) -> str:
    """A label in quotes, with its spaces, which may be what is wrong with it."""
    return repr(label if len(label) <= 60 else f"{label[:60]}...")
