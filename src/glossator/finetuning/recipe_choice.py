"""Which recipe is better on the user's own rows, measured before training."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.artifact.recipe import RecipeScores, RecipeTold
from glossator.artifact.wording import duration
from glossator.errors import CheckpointError, TableError, UnfinishedError
from glossator.evaluation.comparison import McNemar, mcnemar
from glossator.files import durable_write
from glossator.finetuning.parts import Part
from glossator.finetuning.recipes import RECIPES, concluded, pace_of, taught_by
from glossator.finetuning.watch import Watch
from glossator.runs.folder import MEASURED, RunFolder
from glossator.tasks.answers import answer_rows
from glossator.tasks.task import Base, Contrasting, Task
from glossator.text.splits import stratified_split
from glossator.training.config import TrainingConfig
from glossator.training.events import Event, Notify, Stepped
from glossator.training.loop import History, train

__all__ = ["RecipeChoice", "was_measured"]

# Three splits of a third tell apart what 300 rows can; a split of more is enough alone.
_SPLITS, _HELD_OUT, _ENOUGH = 3, 1 / 3, 300
# Chance of such an imbalance by luck, below which a recipe is clearly ahead.
_CLEAR = 0.01
# Of a time limit.
_SHARE = 1 / 3


def was_measured(run: Path) -> bool:
    """Whether the folder of a run holds what recipes were measured at."""
    return (run / MEASURED).exists()


@dataclass
class _Measured:
    """What was found so far.

    Attributes:
        right: of each split by recipe, for each held-out row 1 where it was answered right.
        seconds: that it took.
        done: whether nothing more is to be measured.
    """

    right: list[dict[str, list[int]]] = field(default_factory=list)
    seconds: float = 0.0
    done: bool = False

    @classmethod
    def read(cls, run: RunFolder | None) -> Self:
        """What the run kept.

        Raises:
            CheckpointError: it was changed.
        """
        if run is None or not was_measured(run.path):
            return cls()
        path = run.path / MEASURED
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            right: list[dict[str, list[int]]] = [
                {name: [int(x) for x in split[name]] for name in RECIPES if name in split}
                for split in found["right"]
            ]
            return cls(right, float(found["seconds"]), bool(found["done"]))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"not what recipes measured: {error}", file=path) from error

    def write(self, run: RunFolder | None) -> None:
        """Keep it, so that a run that is taken up goes on from here."""
        if run:
            durable_write(run.path / MEASURED, json.dumps(dataclasses.asdict(self)))
            run.trained = True

    @property
    def whole(self) -> list[dict[str, list[int]]]:
        """The splits on which all recipes were measured."""
        return [split for split in self.right if set(split) == set(RECIPES)]

    def of(self, recipe: str) -> NDArray[np.bool_]:
        """(N,) whether each row of the whole splits was answered right."""
        return np.array([x for split in self.whole for x in split[recipe]], np.bool_)

    def best(self) -> tuple[str, McNemar]:
        """The recipe with most rows right, and how it stands to the next one."""
        by_score = sorted(RECIPES, key=lambda name: -int(self.of(name).sum()))
        first, second = by_score[:2]
        return first, mcnemar(self.of(first), self.of(second))

    @property
    def clear(self) -> bool:
        """Whether more splits would hardly say otherwise."""
        if not self.whole:
            return False
        _, test = self.best()
        return len(self.of(RECIPES[0])) >= _ENOUGH or test.p_value < _CLEAR


@dataclass(kw_only=True)
class RecipeChoice:
    """Measures recipes on splits of the training rows.

    Attributes:
        base: what is fine-tuned.
        task: what is learned.
        training: the rows.
        strata: (N,) of which each part of a split has like shares.
        groups: (N,) what must not be split; None: nothing.
        config: how models are trained; `learning_rate` is a number.
        dtype: what is computed in.
        device: where.
        run: keeps what was found.
        watch: told of each step.
    """

    base: Base
    task: Task
    training: Part
    strata: Sequence[Hashable]
    groups: Sequence[Hashable] | None
    config: TrainingConfig
    dtype: torch.dtype
    device: torch.device
    run: RunFolder | None
    watch: Watch

    def __post_init__(self) -> None:
        self._found = _Measured.read(self.run)
        self._steps = 0

    @property
    def seconds(self) -> float:
        """That measuring took, over all sittings."""
        return self._found.seconds

    def made(self) -> RecipeTold | None:
        """The recipe that is better; None where there was no time to tell, or no way to split.

        Raises:
            UnfinishedError: it was interrupted.
            CheckpointError: what was kept was changed.
            OSError: it cannot be kept.
        """
        try:
            self._measure()
        except TableError as error:
            self.watch.note(f"recipes cannot be measured: {error.message}")
            return None
        found = self._found
        if not found.whole:
            self.watch.note("--time-limit left no time to measure recipes: it is plain")
            return None
        name, test = found.best()
        splits = [
            RecipeScores(
                rows=len(split[name]), accuracy={x: float(np.mean(split[x])) for x in RECIPES}
            )
            for split in found.whole
        ]
        return RecipeTold.chosen(name, splits, test, found.seconds)

    def _measure(self) -> None:
        found = self._found
        for number in range(_SPLITS):
            if found.done:
                return
            learned, held_out = self._split(number)
            if number == len(found.right):
                found.right.append({})
            for recipe in RECIPES:
                if recipe not in found.right[number] and not self._tried(
                    number, recipe, learned, held_out
                ):
                    found.done = True
                    break
            found.done = found.done or found.clear or number == _SPLITS - 1
            found.write(self.run)
            if number == 0 and not found.done:
                most = duration(_SPLITS * found.seconds)
                self.watch.note(f"recipes are not clearly apart: measuring takes {most} at most")

    def _split(self, number: int) -> tuple[Part, Part]:
        """Rows to learn from, and rows to answer."""
        seed = int(np.random.SeedSequence([self.config.seed, number]).generate_state(1)[0])
        shares = [1 - _HELD_OUT, _HELD_OUT]
        learned, held_out = stratified_split(self.strata, shares, seed, self.groups)
        return self._part(learned), self._part(held_out)

    def _part(self, numbers: NDArray[np.int64]) -> Part:
        whole, chosen = self.training, numbers.tolist()
        return Part([whole.records[i] for i in chosen], [whole.rows[i] for i in chosen])

    def _tried(self, number: int, recipe: str, learned: Part, held_out: Part) -> bool:
        """Train by a recipe and note what it answers right; whether there was time for it."""
        found, began = self._found, time.monotonic()
        left = _SHARE * self.config.seconds - found.seconds
        if left < 1:
            return False
        limit = None if left == math.inf else f"{int(left)}s"
        config = dataclasses.replace(self.config, time_limit=limit)
        task, budget = self.task, config.tokens_at_once
        assert isinstance(task, Contrasting)
        model = task.build(self.base, config.seed).to(self.device)
        taught = taught_by(recipe, task)
        pace, notify = pace_of(taught, config), self._told(learned)
        history = train(model, taught, learned.rows, pace, dtype=self.dtype, notify=notify)
        _refuse_interrupted(history, self.run)
        made = concluded(taught, model, learned, token_budget=budget)
        answers = answer_rows(
            task, made, held_out.records, held_out.rows, token_budget=budget, device=self.device
        )
        found.seconds += time.monotonic() - began
        if history.ended_by == "time":
            return False
        found.right[number][recipe] = task.right(held_out.records, answers).astype(int).tolist()
        found.write(self.run)
        return True

    def _told(self, learned: Part) -> Notify:
        """Hears of a training; tells how far all of them are."""
        config = self.config
        each = config.max_steps or config.epochs * math.ceil(
            len(learned.records) / config.batch_size
        )

        def notify(event: Event) -> None:
            if isinstance(event, Stepped):
                self._steps += 1
                self.watch.recipe_test(self._steps, each * _SPLITS * len(RECIPES))

        return notify


def _refuse_interrupted(history: History, run: RunFolder | None) -> None:
    if not history.finished:
        later = "; --resume goes on with it" if run else ""
        raise UnfinishedError(
            f"interrupted while recipes were measured: no model is written{later}"
        )
