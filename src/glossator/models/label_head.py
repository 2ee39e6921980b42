"""The heads that transformers gives a class: whether a folder's own is the one wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glossator.errors import ModelFolderError
from glossator.models.source import ModelSource

__all__ = ["CHOOSER", "CLASSIFIER", "FINDER", "TAGGER", "LabelHead"]


@dataclass(frozen=True)
class LabelHead:
    """A kind of head that has labels.

    Attributes:
        part: our attribute.
        ending: how the classes of Hugging Face that have it end.
        model: what such a model is called.
        name: what the head is called.
    """

    part: str
    ending: str
    model: str
    name: str

    def is_trained(self, source: ModelSource) -> bool:
        """Whether the folder holds one that was trained."""
        return source.has(f"{self.part}.output.weight") and (
            not source.architecture or source.architecture.endswith(self.ending)
        )

    def is_kept(self, source: ModelSource, labels: Sequence[str] | None) -> bool:
        """Whether that of the folder is trained and has the labels wanted; None: its own.

        Raises:
            ModelFolderError: `labels` is None and there is no trained one.
        """
        if labels is None:
            self.refuse_untrained(source, "; name the labels to give it a new one")
        return self.is_trained(source) and (labels is None or source.labels() == tuple(labels))

    def refuse_untrained(self, source: ModelSource, hint: str = "") -> None:
        """Raise ModelFolderError where the folder holds no trained one."""
        if not self.is_trained(source):
            raise ModelFolderError(
                f"{source.folder} holds no trained {self.model} "
                f"(it was saved by {source.architecture or 'an unnamed class'}; expected a class "
                f"ending in {self.ending}){hint}",
                file=source.folder / "config.json",
            )

    def is_new(self, source: ModelSource, parameter: str) -> bool:
        """Whether a parameter is made anew with a new head: its last layer, and what is missing."""
        inside = parameter.startswith(f"{self.part}.")
        last = parameter.startswith(f"{self.part}.output.")
        return last or (inside and not source.has(parameter))

    def note(self, source: ModelSource, labels: tuple[str, ...]) -> str:
        """That a new one for `labels` was put on the folder's encoder, and what was dropped."""
        count = f"{len(labels)} label{'s' * (len(labels) > 1)}"
        new = f"a new {self.name} for {count} was put on {source.folder.name}"
        if not source.architecture.endswith(self.ending):
            return new
        old = source.labels()
        if old == labels:
            return f"{new}; its own, for {source.problem_type} of the same labels, was dropped"
        shown = ", ".join(old[:5]) + (f" and {len(old) - 5} more" if len(old) > 5 else "")
        return f"{new}; its own, for the labels {shown}, was dropped"


CLASSIFIER = LabelHead("head", "ForSequenceClassification", "classifier", "classification head")
FINDER = LabelHead("finder", "ForQuestionAnswering", "answer finder", "question answering head")
TAGGER = LabelHead(
    "tagger", "ForTokenClassification", "token classifier", "token classification head"
)
# Its one output has no name, and so no labels are compared.
CHOOSER = LabelHead("chooser", "ForMultipleChoice", "model of choices", "choice head")
