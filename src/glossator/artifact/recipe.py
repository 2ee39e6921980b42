"""What is said of how a model was trained, where that was chosen by measurement or by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from glossator.evaluation.comparison import McNemar
from glossator.evaluation.figures import Column, Section, Table
from glossator.text.findings import count_of

__all__ = ["RecipeScores", "RecipeTold"]


@dataclass(frozen=True, kw_only=True)
class RecipeScores:
    """What each recipe answered right of rows that it had not learned from.

    Attributes:
        rows: how many there were.
        accuracy: of each recipe by name, from 0 to 1.
    """

    rows: int
    accuracy: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class RecipeTold:
    """A recipe, and what it was chosen by.

    Attributes:
        name: of the recipe.
        splits: of the training rows that it was measured on; none where it was asked for.
        only: rows that it alone answered right, all splits together.
        others: rows that another recipe alone answered right.
        p_value: the chance of such an imbalance by luck, by McNemar's test.
        seconds: that measuring took.
    """

    name: str
    splits: Sequence[RecipeScores] = ()
    only: int = 0
    others: int = 0
    p_value: float = 1.0
    seconds: float = 0.0

    @classmethod
    def chosen(
        cls, name: str, splits: Sequence[RecipeScores], test: McNemar, seconds: float
    ) -> Self:
        """The one that was best in all splits together, `a` of the test being this one."""
        return cls(
            name=name,
            splits=tuple(splits),
            only=test.only_a,
            others=test.only_b,
            p_value=test.p_value,
            seconds=round(seconds, 1),
        )

    def accuracy(self, name: str) -> float:
        """Share of the rows of all splits that a recipe answered right."""
        rows = sum(split.rows for split in self.splits)
        return sum(split.rows * split.accuracy[name] for split in self.splits) / rows

    @property
    def names(self) -> list[str]:
        """The recipes that were measured, the one that was chosen first."""
        every = self.splits[0].accuracy if self.splits else ()
        return sorted(every, key=lambda name: name != self.name)

    @property
    def shares(self) -> str:
        """What each recipe got right, in words."""
        return ", ".join(f"{name} {self.accuracy(name):.1%}" for name in self.names)

    @property
    def sentence(self) -> str:
        """Which recipe it was, and why."""
        if not self.splits:
            return f"Trained by the recipe {self.name}, which was asked for."
        only, others = count_of(self.only, "row"), f"{self.others:,}"
        return (
            f"Trained by the recipe {self.name}, which was best on training rows held out in "
            f"{count_of(len(self.splits), 'split')}: {self.shares}. It alone was right on {only}, "
            f"the other one on {others} (McNemar's p = {self.p_value:.2g})."
        )

    def section(self) -> Section:
        """A table of recipes and splits, for the report."""
        columns = [Column("split", "text"), Column("rows held out", "count")]
        rows: list[list[str | float | int | None]] = [
            [str(number), split.rows, *(split.accuracy[name] for name in self.names)]
            for number, split in enumerate(self.splits, start=1)
        ]
        if self.splits:
            total = sum(split.rows for split in self.splits)
            rows.append(["all", total, *map(self.accuracy, self.names)])
        every = [*columns, *(Column(name, "bar") for name in self.names)]
        table = [Table("Share of them answered right", every, rows, noun="splits")]
        return Section(
            "recipe",
            "Recipe",
            table if rows else [],
            aside=(
                "plain trains the model and its head together. contrastive draws the texts of a "
                "class together and those of others apart, then fits a head on their vectors.",
                "With few rows either may win, so both were tried on rows of your own. The scores "
                "on test rows had no part in it.",
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """As `fit --json` and `glossator.json` have it."""
        return {**dataclasses.asdict(self), "splits": list(map(dataclasses.asdict, self.splits))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self | None:
        """What `to_json` gave; None where it was trained as ever.

        Raises:
            TypeError: it is something else.
        """
        if value is None:
            return None
        splits = tuple(RecipeScores(**split) for split in value["splits"])
        return cls(**{**value, "splits": splits})
