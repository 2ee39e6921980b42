from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glossator.artifact.folder import Details, versions
from glossator.artifact.predictor import Predictor
from glossator.artifact.report_parts import (
    DataFile,
    Evaluation,
    Learning,
    Lengths,
    Report,
    RowCounts,
)
from glossator.evaluation import ClassificationScores, reliability, softmax, threshold_curve
from glossator.evaluation.figures import Quote
from glossator.models import checkpoint
from glossator.models.config import RuntimeConfig
from glossator.tasks.kinds.text_classification.config import Decision
from glossator.tasks.kinds.text_classification.figures import (
    MEASURES,
    Calibration,
    sections,
    words,
)
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Found:
    """What a preflight finding looks like to the report."""

    severity: str
    message: str
    examples: Sequence[str] = ()


def make_report(labels: Sequence[str] = ("no", "yes"), word: str = "") -> Report:
    """A whole report; `word` is put into every text that a stranger could have written."""
    classes = len(labels)
    random = np.random.default_rng(0)
    gold = random.integers(0, classes, max(60, 2 * classes))
    logits = random.normal(size=(len(gold), classes))
    logits[np.arange(len(gold)), gold] += 2
    scores = ClassificationScores([f"{label}{word}" for label in labels])
    scores.add(softmax(logits), gold)
    two = classes == 2
    return Report(
        name=f"tickets-model{word}",
        task="text-classification",
        base_model=f"minilm{word}",
        created="2026-11-23 15:20 UTC",
        command=f"glossator fit tickets.csv{word}",
        versions={"python": "3.11", f"machine{word}": f"2 cores{word}"},
        files=[DataFile(name=f"tickets.csv{word}", rows=1005, sha256="5e" * 32)],
        columns={"text": f"message{word}", "label": f"intent{word}"},
        rows=RowCounts(read=1005, used=1000, rejected=5, train=800, dev=100, test=100),
        rejected_file=f"rejected.jsonl{word}",
        findings=[
            Found("warning", f"two labels for one text{word}", [f"an example{word}"]),
            Found(f"note{word}", "nothing else"),
        ],
        dev=scores.result(),
        test=scores.result(),
        measures=MEASURES,
        chosen_by=MEASURES[1],
        sections=sections(
            scores,
            mistakes=[
                Quote(
                    text=f"where is it{word}",
                    gold=f"{labels[0]}{word}",
                    answer=f"{labels[-1]}{word}",
                    score=0.98,
                    source=f"test.csv{word}",
                    line=7,
                )
            ],
            answers=[Quote(f"as it comes{word}", f"{labels[0]}{word}", f"{labels[0]}{word}", 0.9)],
            calibration=Calibration(
                temperature=1.4,
                before=reliability(softmax(logits, 0.5), gold),
                after=reliability(softmax(logits), gold),
                threshold=0.42 if two else None,
                curve=threshold_curve(softmax(logits)[:, 1], gold) if two else None,
            ),
        ),
        words=words(scores.classes, temperature=1.4, threshold=0.42 if two else None),
        learning=Learning(
            summary={"seconds": 61.0, "epochs": 3, "steps": 50, "best_step": 40},
            steps=range(1, 51),
            losses=[1 / step for step in range(1, 51)],
            evaluations=[
                Evaluation(step=step, scores={"accuracy": 0.8, "macro_f1": 0.7 + step / 1000})
                for step in (10, 20, 30, 40, 50)
            ],
        ),
        lengths=Lengths(tokens=[5, 9, 12, 200], limit=128, windowed=1),
        settings={"epochs": 3, f"note{word}": f"as typed{word}"},
    )


@pytest.fixture(scope="session")
def report_of() -> Callable[..., Report]:
    """`make_report`: a whole report with given labels and a word in every text."""
    return make_report


LABELS = ("card", "film", "market")


@pytest.fixture
def predictor_of(tiny_model_folder: Path) -> Callable[..., Predictor]:
    """Makes an untrained Predictor whose answers differ from text to text."""

    def make(labels: Sequence[str] = LABELS, **details: Any) -> Predictor:
        model = checkpoint.load_classifier(tiny_model_folder, labels)
        with torch.no_grad():
            model.head.output.weight.mul_(100)
        decision = details.pop("decision", Decision(temperature=1.7))
        task = OneLabel(Tokenizer.load(tiny_model_folder), labels, max_length=32)
        task = task.deciding(decision)
        said = Details(
            task=task.name,
            columns={"text": ("title", "body"), "label": ("intent",)},
            saved=task.saved(),
            max_length=32,
            base_model="tiny-bert",
            metrics=details.pop("metrics", {"dev": {"accuracy": 0.5}}),
            versions=versions(),
            card="# a card\n",
            **details,
        )
        return Predictor(model, task, said, RuntimeConfig(device="cpu"))

    return make


@pytest.fixture
def predictor(predictor_of: Callable[..., Predictor]) -> Predictor:
    """One with three labels."""
    return predictor_of()


@pytest.fixture
def saved(predictor: Predictor, tmp_path: Path) -> Path:
    """Its model folder."""
    predictor.save(tmp_path / "model")
    return tmp_path / "model"
