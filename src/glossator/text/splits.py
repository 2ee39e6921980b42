"""Splits of a table into parts that can be drawn again, on any machine, from the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.errors import TableError

__all__ = ["DEFAULT_FRACTIONS", "Rows", "sample", "stratified_split"]

Rows = NDArray[np.int64]

# Train, dev, test. Dev chooses the best step and the temperature and test is only scored: a tenth
# each measures a score of 0.9 on 1,000 rows to 6 points, and leaves most rows to learn from.
DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)


def stratified_split(
    labels: Sequence[Hashable],
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> tuple[Rows, ...]:
    """Split rows into parts with like shares of every label; every row is in exactly one part.

    The first part, from which is learned, has at least one row of each label; every other part with
    a fraction above 0 has at least one row. The random bits are PCG64's, whose stream numpy
    promises to keep, and not those of `Generator.permutation`, which may change.

    Args:
        labels: the label of each row.
        fractions: the share of each part, in 0-1, with sum 1; the first is the training part.
        seed: 0 or more.
        groups: the group of each row, e.g. its customer; rows of one group stay together. Shares
            are then as near as whole groups allow.

    Returns:
        for each part the indices of its rows, ascending.

    Raises:
        ValueError: the fractions are not shares, or `groups` has another length than `labels`.
        TableError: there are too few rows, or too few groups, for so many parts.
    """
    if min(fractions) < 0 or not fractions[0] or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must be 0 or more with sum 1, got {tuple(fractions)}")
    if groups is not None and len(groups) != len(labels):
        raise ValueError(f"expected {len(labels)} groups, one a row, got {len(groups)}")
    # No part that is wanted may come out empty because its share rounds to no row.
    shares = [max(share, 1 / len(labels)) if share else 0.0 for share in fractions[1:]]
    if groups is None:
        part = _parts_of_rows(_codes(labels), shares, seed)
    else:
        part = _parts_of_groups(_codes(labels), _codes(groups), shares, seed)
    parts = tuple(np.flatnonzero(part == number) for number in range(len(fractions)))
    for number, share in enumerate(fractions):
        if share and not len(parts[number]):
            what = f"{len(labels)} rows" if groups is None else f"{len(set(groups))} groups"
            raise TableError(
                f"{what} are too few for {len(fractions)} parts with a training row for each of "
                f"{len(set(labels))} labels; give more rows, or the parts as files of their own"
            )
    return parts


def sample(total: int, count: int, seed: int) -> Rows:
    """`count` different indices below `total`, ascending, drawn by `seed` on any machine alike."""
    if not 0 <= count <= total:
        raise ValueError(f"cannot draw {count} of {total} rows")
    return np.sort(_shuffled(total, seed)[:count])


def _shuffled(total: int, seed: int) -> Rows:
    return np.argsort(np.random.PCG64(seed).random_raw(total), kind="stable").astype(np.int64)


def _codes(names: Iterable[Hashable]) -> Rows:
    """Each name as a number; like names have like numbers, in order of first appearance."""
    codes: dict[Hashable, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)


def _parts_of_rows(labels: Rows, shares: Sequence[float], seed: int) -> Rows:
    """Cut the shuffled rows of each label; rounding runs on from label to label.

    Rounding the running total, and not each label alone, makes the parts as large as asked for
    where most labels have too few rows for a share of their own.
    """
    part = np.zeros(len(labels), dtype=np.int64)
    order = _shuffled(len(labels), seed)
    order = order[np.argsort(labels[order], kind="stable")]
    ends = np.cumsum(np.bincount(labels))
    begin = 0
    for end in ends.tolist():
        rows = order[begin:end]
        counts = [_between(share, begin, end) for share in shares]
        while sum(counts) >= len(rows):
            counts[int(np.argmax(counts))] -= 1
        cuts = np.cumsum(counts).tolist()
        for number, (first, last) in enumerate(zip([0, *cuts], cuts, strict=False), start=1):
            part[rows[first:last]] = number
        begin = end
    return _fill_empty(part, labels, order, shares)


def _between(share: float, begin: int, end: int) -> int:
    return round(share * end) - round(share * begin)


def _fill_empty(part: Rows, labels: Rows, order: Rows, shares: Sequence[float]) -> Rows:
    """Give an empty part a row of the label with the most training rows, if one is to spare."""
    for number, share in enumerate(shares, start=1):
        if share and not (part == number).any():
            counts = np.bincount(labels[part == 0])
            if counts.max() > 1:
                spare = order[(labels[order] == counts.argmax()) & (part[order] == 0)]
                part[spare[0]] = number
    return part


def _parts_of_groups(labels: Rows, groups: Rows, shares: Sequence[float], seed: int) -> Rows:
    """Give each group, the largest first, to the part that lacks its labels most."""
    members = [Counter[int]() for _ in range(int(groups.max()) + 1)]
    for group, label in zip(groups.tolist(), labels.tolist(), strict=True):
        members[group][label] += 1
    order = sorted(_shuffled(len(members), seed).tolist(), key=lambda g: -members[g].total())
    needed = _training_groups(members, order)
    totals = np.bincount(labels)
    lacking = np.outer([1 - sum(shares), *shares], totals).astype(np.float64)  # (parts, labels)
    part_of = np.zeros(len(members), dtype=np.int64)
    for group in [*needed, *(g for g in order if g not in needed)]:
        names = list(members[group])
        counts = np.array([members[group][name] for name in names])
        score = (lacking[:, names] * (counts / totals[names])).sum(axis=1)
        left = lacking.sum(axis=1)
        score[left < 1e-6] = -np.inf  # full, whatever single labels lack
        best = 0 if group in needed else int(np.lexsort((left, score.round(9)))[-1])
        lacking[best, names] -= counts
        part_of[group] = best
    for number, share in enumerate(shares, start=1):
        spare = _spare_group(members, order, part_of)
        if share and spare >= 0 and not (part_of == number).any():
            part_of[spare] = number
    return part_of[groups]


def _training_groups(members: Sequence[Counter[int]], order: Sequence[int]) -> dict[int, None]:
    """Groups that hold each label once; those with the most labels, so that few are bound."""
    covered: set[int] = set()
    needed: dict[int, None] = {}
    homes: dict[int, list[int]] = {}
    for group in order:
        for label in members[group]:
            homes.setdefault(label, []).append(group)
    for label, candidates in sorted(homes.items(), key=lambda home: len(home[1])):
        if label not in covered:
            best = max(candidates, key=lambda group: len(members[group]))
            needed[best] = None
            covered |= members[best].keys()
    return needed


def _spare_group(members: Sequence[Counter[int]], order: Sequence[int], part_of: Rows) -> int:
    """The smallest group whose part can do without it, or -1."""
    sizes = np.bincount(part_of)
    learned = Counter[int]()
    for group in np.flatnonzero(part_of == 0).tolist():
        learned.update(members[group].keys())
    for group in reversed(order):
        bound = part_of[group] == 0 and any(learned[label] == 1 for label in members[group])
        if sizes[part_of[group]] > 1 and not bound:
            return group
    return -1
