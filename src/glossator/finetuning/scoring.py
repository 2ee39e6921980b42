"""Dev and test rows answered by the trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.artifact.predictor import Answers, Predictor
from glossator.finetuning.parts import Part
from glossator.memory import give_back_freed_memory
from glossator.tasks.task import Answer, Scores, Surveying

__all__ = ["Scored", "answer_parts", "decide", "score_parts", "survey"]


@dataclass(frozen=True)
class Scored:
    """One part, its answers and their scores."""

    part: Part
    answers: Answers
    scores: Scores
    metrics: dict[str, Any]

    def lines(self) -> Iterator[dict[str, Any]]:
        """The rows with their predictions."""
        for record, answer in zip(self.part.records, self.answers, strict=True):
            yield {**record.row.values, "prediction": answer.to_json()}


def score_parts(
    predictor: Predictor, parts: Mapping[str, Part], scoring: Callable[[int, int], None]
) -> dict[str, Scored]:
    """Score the dev and test rows; `predictor` decides by what is best on dev from now on.

    Args:
        predictor: the trained model.
        parts: of which `dev` and `test` are scored, if they are there.
        scoring: is told how many of all windows were answered.
    """
    give_back_freed_memory()
    held = {name: parts[name] for name in ("dev", "test") if name in parts}
    answers = dict(answer_parts(predictor, held, scoring))
    if "dev" in held:
        decide(predictor, parts["train"], held["dev"], answers["dev"].raw)
    task = predictor.task
    return {name: _scored(part, answers[name].decided_by(task)) for name, part in held.items()}


def decide(predictor: Predictor, training: Part, dev: Part, answers: Sequence[Answer]) -> None:
    """Have a predictor decide by what is best on the dev rows, whose answers are known."""
    survey(predictor, training)
    task = predictor.task.decided(dev.records, answers)
    if isinstance(task, Surveying):
        task.settle(predictor.model)
    predictor.use(task)


def survey(predictor: Predictor, training: Part) -> None:
    """Have a task that asks for it look at what its model says of the rows it learned from."""
    task = predictor.task
    if isinstance(task, Surveying):
        surveyed = task.surveyed(
            training.records,
            training.rows,
            lambda records, rows: predictor.answer_records(records, rows).raw,
        )
        predictor.use(surveyed)


def answer_parts(
    predictor: Predictor, parts: Mapping[str, Part], scoring: Callable[[int, int], None]
) -> Iterator[tuple[str, Answers]]:
    """The answers of each part, by its name."""
    total = sum(len(row) for part in parts.values() for row in part.rows)
    done = 0

    def progress(windows: int) -> None:
        nonlocal done
        done += windows
        scoring(done, total)

    for name, part in parts.items():
        yield name, predictor.answer_records(part.records, part.rows, progress=progress)


def _scored(part: Part, answers: Answers) -> Scored:
    scores = answers.task.scores()
    scores.add(part.records, part.rows, answers.raw)
    return Scored(part, answers, scores, scores.result())
