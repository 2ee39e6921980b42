"""Dev and test rows answered by the trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glossator.artifact.predictor import Answers, Predictor
from glossator.evaluation.metrics import ClassificationScores
from glossator.finetuning.decision import choose_decision
from glossator.finetuning.parts import Part

__all__ = ["Scored", "answer_parts", "score_parts"]


@dataclass(frozen=True)
class Scored:
    """One part, its answers and their scores."""

    part: Part
    answers: Answers
    scores: ClassificationScores
    metrics: dict[str, Any]

    def lines(self) -> Iterator[dict[str, Any]]:
        """The rows with their predictions."""
        for item, answer in zip(self.part.items, self.answers, strict=True):
            yield {**item.row.values, "prediction": answer.to_json()}


def score_parts(
    predictor: Predictor, parts: Mapping[str, Part], scoring: Callable[[int, int], None]
) -> dict[str, Scored]:
    """Score the dev and test rows; `predictor` decides by what is best on dev from now on.

    Args:
        predictor: the trained model.
        parts: of which `dev` and `test` are scored, if they are there.
        scoring: is told how many of all windows were answered.
    """
    held = {name: parts[name] for name in ("dev", "test") if name in parts}
    answers = dict(answer_parts(predictor, held, scoring))
    if "dev" in held:
        predictor.use(choose_decision(answers["dev"].logits, held["dev"].targets))
    return {
        name: _scored(part, answers[name].decided_by(predictor.task)) for name, part in held.items()
    }


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
        yield name, predictor.answer_examples(part.rows, progress=progress)


def _scored(part: Part, answers: Answers) -> Scored:
    task = answers.task
    scores = ClassificationScores(task.labels, threshold=task.decision.threshold)
    scores.add(answers.probabilities, part.targets)
    return Scored(part, answers, scores, scores.result())
