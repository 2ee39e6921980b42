"""What question answering can be told."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG", "Decision", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How contexts are read and answers found in them.

    Attributes:
        stride: tokens that neighbouring windows of a long context share at least, but never more
            than half a window.
        max_answer_length: tokens of an answer at most.
    """

    stride: int = 128
    # Of the answers of SQuAD and CMRC 2018 fewer than one in two hundred are longer.
    max_answer_length: int = 64

    def __post_init__(self) -> None:
        if self.stride < 0:
            raise ConfigError(f"--stride must be 0 or more, got {self.stride}")
        if self.max_answer_length < 1:
            got = self.max_answer_length
            raise ConfigError(f"--max-answer-length must be 1 or more, got {got}")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How scores become answers.

    Attributes:
        temperature: what scores are divided by; above 0.
        threshold: the score above which the best answer is given, where there may be none.
    """

    temperature: float = 1.0
    threshold: float = 0.0


CONFIG = KindConfig(
    name="question-answering",
    summary="where in a text the answer to a question stands",
    roles=(
        Role(name="question", help="of the question"),
        Role(name="context", help="of the text that the answer is found in", usual=("passage",)),
        Role(
            name="answers",
            help="of the right answers, a list of {text, start} in characters of the context; an "
            "empty one says that there is none",
            target=True,
            usual=("answer",),
        ),
    ),
    shapes=(("question", "context", "answers"),),
    options=Options,
    opens_as="AutoModelForQuestionAnswering",
)
