"""Opening a model folder: one of ours, or one that `transformers` saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from glossator.artifact.filler import MaskFiller
from glossator.artifact.folder import SETTINGS, Details, read_details
from glossator.artifact.generator import TextGenerator
from glossator.artifact.manifest import MANIFEST, read_json, verify
from glossator.artifact.predictor import Predictor
from glossator.errors import ModelFolderError
from glossator.models import checkpoint
from glossator.models.config import RuntimeConfig
from glossator.models.heads import SequenceClassifier
from glossator.tasks.fill_mask import FillMask
from glossator.tasks.text_classification import TextClassification
from glossator.tasks.text_generation import TextGeneration
from glossator.text.tokenizer import Tokenizer

__all__ = ["AnyOpened", "load", "load_classifier"]


AnyOpened = Predictor | MaskFiller | TextGenerator


def load(folder: str | Path, *, runtime: RuntimeConfig | None = None) -> AnyOpened:
    """Open a model folder: one of ours, or a classifier or language model of `transformers`.

    Every file of one of ours is checked against its manifest first.

    Args:
        folder: the model folder.
        runtime: where to run it.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder, or of a model that answers nothing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelFolderError(f"{folder} {what}; expected a model folder")
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    found = _opener(folder)(folder, ours, runtime)
    if not found.details.finished:
        found.notes += (f"{folder.name} is from a run that was interrupted",)
    return found


def load_classifier(folder: str | Path, *, runtime: RuntimeConfig | None = None) -> Predictor:
    """As `load`, of a classifier alone.

    Raises:
        ModelFolderError: also where it answers something else.
    """
    found = load(folder, runtime=runtime)
    if not isinstance(found, Predictor):
        task = found.task.name
        raise ModelFolderError(f"{folder} answers {task}; expected {TextClassification.name}")
    return found


def _opener(folder: Path) -> Callable[[Path, bool, RuntimeConfig | None], AnyOpened]:
    """By the class that saved the folder."""
    config = folder / "config.json"
    names = read_json(config).get("architectures") if config.is_file() else None
    name = str(names[0]) if isinstance(names, list) and names else ""
    if name.endswith("ForPreTraining"):
        raise ModelFolderError(
            f"{folder} is an encoder that answers nothing yet; "
            f"`glossator fit TABLE --model {folder}` teaches it"
        )
    if name.endswith("LMHeadModel"):
        return _generator
    return _filler if name.endswith("ForMaskedLM") else _classifier


def _classifier(folder: Path, ours: bool, runtime: RuntimeConfig | None) -> Predictor:
    model = checkpoint.load_classifier(folder)
    _refuse_other_problem(model, folder)
    details = _details(folder, ours, TextClassification.name, model.encoder.max_length)
    task = TextClassification(
        Tokenizer.load(folder),
        model.labels,
        max_length=details.max_length,
        decision=details.decision,
    )
    return Predictor(model, task, details, runtime)


def _filler(folder: Path, ours: bool, runtime: RuntimeConfig | None) -> MaskFiller:
    model = checkpoint.load_masked(folder)
    details = _details(folder, ours, FillMask.name, model.encoder.max_length)
    task = FillMask(Tokenizer.load(folder), max_length=details.max_length)
    return MaskFiller(model, task, details, runtime)


def _generator(folder: Path, ours: bool, runtime: RuntimeConfig | None) -> TextGenerator:
    model = checkpoint.load_causal(folder)
    details = _details(folder, ours, TextGeneration.name, model.encoder.max_length)
    task = TextGeneration(Tokenizer.load(folder), max_length=details.max_length)
    return TextGenerator(model, task, details, runtime)


def _details(folder: Path, ours: bool, task: str, longest: int) -> Details:
    if ours:
        return read_details(folder, max_length=longest)
    columns = {"text": ["text"], "label": "label"}
    return Details(task=task, columns=columns, max_length=longest, base_model=folder.name)


def _refuse_other_problem(model: SequenceClassifier, folder: Path) -> None:
    """A sigmoid or a bare number read as a softmax would answer, and wrongly."""
    expected = "single_label_classification"
    if model.problem_type != expected:
        raise ModelFolderError(
            f"the model is for {model.problem_type} with {len(model.labels)} labels; "
            f"expected {expected} with at least two",
            file=folder / "config.json",
        )
