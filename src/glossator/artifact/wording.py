"""How scores are put into words, the same in the report and in the model card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glossator.evaluation.confusion import ClassScore

__all__ = ["METRICS", "duration", "interval", "measure", "power_of_ten", "weakest_first"]

METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss",
    "ece": "Calibration error",
}
_SHARES = {"accuracy", "macro_f1", "micro_f1", "ece"}


def measure(scores: Mapping[str, Any], name: str) -> str:
    """One score as it is printed; a dash where it is not defined."""
    value = scores.get(name)
    if value is None:
        return "–"
    return f"{value:.1%}" if name in _SHARES else f"{value:.3f}"


def interval(scores: Mapping[str, Any], name: str) -> str:
    """The interval of a share such as `91.8–93.1%`, or an empty string."""
    low, high = scores.get(f"{name}_ci", (None, None))
    return "" if low is None or high is None else f"{low * 100:.1f}–{high * 100:.1f}%"


def duration(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 5 s` or `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def power_of_ten(value: float) -> str:
    """A number above 0 as `3.1e-4`, or `2e-4`."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def weakest_first(classes: Iterable[ClassScore]) -> list[ClassScore]:
    """The classes by F1, lowest first and of equal ones the larger; those without rows last."""
    return sorted(classes, key=lambda score: (score.support == 0, score.f1, -score.support))
