"""A run as a report."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from glossator.artifact.predictor import Predictor
from glossator.artifact.report import Report
from glossator.artifact.report_parts import (
    DataFile,
    Evaluation,
    Learning,
    Lengths,
    RateCurve,
    RowCounts,
)
from glossator.config import to_mapping
from glossator.finetuning.config import FitConfig
from glossator.finetuning.parts import Part
from glossator.finetuning.scoring import Scored
from glossator.runs.folder import REJECTED
from glossator.text.preflight import Preflight
from glossator.training.loop import History

__all__ = ["Findings", "build_report", "shown", "summary"]


@dataclass(frozen=True)
class Findings:
    """What was read, what a look at it found, what was learned from, and which rates were tried."""

    files: Sequence[DataFile]
    preflight: Preflight
    rows: RowCounts
    training: Part
    rates: RateCurve | None = None


def shown(scored: Mapping[str, Scored]) -> Scored | None:
    """The part whose rows a report looks into: test, and dev where there is no test, if any is."""
    return scored.get("test") or scored.get("dev")


def summary(history: History) -> dict[str, float]:
    """The `train` object of `fit --json`."""
    last = history.steps[-1] if history.steps else None
    seconds = history.seconds
    return {
        "seconds": round(seconds, 3),
        "epochs": round(history.epochs, 3),
        "steps": len(history.steps),
        "examples_per_second": round(last.rows / seconds, 1) if last else 0.0,
        "tokens_per_second": round(last.tokens / seconds) if last else 0.0,
        "best_step": history.best_step,
    }


def build_report(
    predictor: Predictor,
    config: FitConfig,
    history: History,
    findings: Findings,
    scored: Mapping[str, Scored],
    *,
    name: str,
    command: str,
) -> Report:
    """Everything that `report.html` and the model card say."""
    part, task = shown(scored), predictor.task
    split = "test" if "test" in scored else "dev"
    return Report(
        name=name,
        task=task.name,
        base_model=config.model.model,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command=command,
        versions={**predictor.details.versions, "machine": platform.machine()},
        files=findings.files,
        columns={role: ", ".join(names) for role, names in config.columns.items()},
        rows=findings.rows,
        rejected_file=f"{name}.run/{REJECTED}" if findings.rows.rejected else "",
        findings=findings.preflight.findings,
        dev=scored["dev"].metrics if "dev" in scored else {},
        test=scored["test"].metrics if "test" in scored else None,
        measures=task.measures,
        chosen_by=next(x for x in task.measures if x.name == task.chosen_by[0]),
        sections=part.scores.sections(split) if part else (),
        remarks=part.scores.remarks() if part else (),
        words=task.words(),
        learning=_learning(history, findings.rates),
        lengths=_lengths(findings.training, task.max_length),
        settings=_settings(config),
    )


def _lengths(training: Part, limit: int) -> Lengths:
    return Lengths(
        tokens=[row.n_tokens for row in training.rows],
        limit=limit,
        windowed=sum(row.windows > 1 for row in training.rows),
    )


def _learning(history: History, rates: RateCurve | None) -> Learning:
    return Learning(
        summary=summary(history),
        steps=[event.step for event in history.steps],
        losses=[event.loss for event in history.steps],
        evaluations=[
            Evaluation(step=event.step, scores=_numbers(event.scores))
            for event in history.evaluations
        ],
        finished=history.finished,
        planned=history.planned,
        ended_by=history.ended_by,
        rate_curve=rates,
    )


def _numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(x) for name, x in scores.items() if isinstance(x, int | float)}


def _settings(config: FitConfig) -> dict[str, Any]:
    flat: dict[str, Any] = {"task": config.task, **config.options}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            flat |= to_mapping(value)
    return flat
