"""What a model folder is, and whether it is whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.artifact.folder import SETTINGS, Details, read_details
from glossator.artifact.manifest import MANIFEST, read_json, verify
from glossator.artifact.wording import interval, measure, with_value
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen
from glossator.errors import ModelFolderError
from glossator.tasks.classification_figures import MEASURES
from glossator.tasks.text_classification import Decision

__all__ = ["inspect_model"]

_LABELS = 12
_MEASURES = 4


def inspect_model(folder: Path, screen: Screen) -> None:
    """Show what a model folder is; one of ours is checked against its manifest.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder.
    """
    if not (folder / "config.json").exists():
        raise ModelFolderError(f"{folder} is no model folder: it has no config.json")
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    config = read_json(folder / "config.json")
    labels = _labels(config)
    found: dict[str, Any] = {
        "kind": "model",
        "path": str(folder),
        "family": config.get("model_type"),
        "architectures": config.get("architectures"),
        "labels": labels,
        "verified": ours,
    }
    details = read_details(folder, max_length=_longest(config)) if ours else None
    screen.json(found | (_object(details) if details else {}))
    screen.line(f"{folder}: {_what(config, labels)}")
    if details is None:
        screen.line(f"  not written by glossator: no {MANIFEST} to check its files against")
    else:
        _show(screen, details)
    if labels:
        more = f" and {len(labels) - _LABELS:,} more" if len(labels) > _LABELS else ""
        shown = ", ".join(shortened(label, 40) for label in labels[:_LABELS])
        screen.line(f"  {len(labels):,} labels: {shown}{more}")


def _labels(config: dict[str, Any]) -> list[str]:
    """The labels of a classifier; none for an encoder, whose config may name two by default."""
    names = config.get("id2label")
    classifier = any("Classification" in name for name in config.get("architectures") or ())
    return [str(x) for x in names.values()] if classifier and isinstance(names, dict) else []


def _longest(config: dict[str, Any]) -> int:
    longest = config.get("max_position_embeddings")
    return longest if isinstance(longest, int) else 2**31


def _what(config: dict[str, Any], labels: list[str]) -> str:
    classes = [str(x) for x in config.get("architectures") or ()]
    other = "an encoder, to be fine-tuned,"
    for end, kind in (("ForMaskedLM", "masked"), ("LMHeadModel", "causal")):
        if any(name.endswith(end) for name in classes):
            other = f"a {kind} language model"
    return f"{'a classifier' if labels else other} of the family {config.get('model_type')}"


def _object(details: Details) -> dict[str, Any]:
    return {
        "task": details.task,
        "finished": details.finished,
        "base_model": details.base_model,
        "columns": dict(details.columns),
        "decision": None if details.decision is None else dataclasses.asdict(details.decision),
        "max_length": details.max_length,
        "metrics": dict(details.metrics),
        "data": list(details.data),
        "versions": dict(details.versions),
    }


def _show(screen: Screen, details: Details) -> None:
    screen.line(f"  every file is the one that {MANIFEST} names")
    if not details.finished:
        screen.line("! from a run that was interrupted", "yellow")
    screen.line(f"  {details.task}, fine-tuned from {details.base_model}")
    text, label = ", ".join(details.columns["text"]), details.columns.get("label")
    if label:
        screen.line(f"  trained on the columns {text} (text) and {label} (label)")
    for file in details.data:
        screen.line(f"    {_file(file)}")
    split = "test" if details.metrics.get("test") else "dev"
    scores = details.metrics.get(split) or {}
    for told in with_value(MEASURES, scores, _MEASURES):
        between = interval(scores, told)
        shown = f" (95% interval {between})" if between else ""
        screen.line(f"  {told.title} on {split} rows {measure(scores, told)}{shown}")
    if details.decision is not None:
        _show_decision(screen, details.decision)
    screen.line(f"  reads {details.max_length:,} tokens at once, longer texts in windows")
    screen.line("  " + ", ".join(f"{name} {version}" for name, version in details.versions.items()))


def _file(file: Mapping[str, Any]) -> str:
    return f"{file['name']}: {file['rows']:,} rows" if "rows" in file else str(file["name"])


def _show_decision(screen: Screen, decision: Decision) -> None:
    threshold = "" if decision.threshold is None else f", threshold {decision.threshold:.3f}"
    screen.line(f"  temperature {decision.temperature:.3f}{threshold}")
