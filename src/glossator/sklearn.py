"""A classifier of texts with the whole interface of scikit-learn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.errors import InputError, TextError
from glossator.finetuning.fit import fit
from glossator.models.config import RuntimeConfig
from glossator.tasks.config import KindConfig
from glossator.tasks.registry import config_named, name_opening
from glossator.text.columns import is_blank
from glossator.text.frames import frame_rows

__all__ = ["TextClassifier"]


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fine-tunes an encoder to tell texts apart; works in pipelines, searches and cross-validation.

    The parameters are options of `glossator.fit`. Nothing is written to disk: `model_.save` writes
    the model folder. A pickle holds that folder.

    Args:
        model: a starter name, a model folder, or with `hub=True` in `options` a hub id.
        epochs: passes over the training texts.
        max_steps: optimizer steps; None counts epochs.
        learning_rate: its highest value; `auto` tries some first, None is the optimizer's usual.
        batch_size: texts of one step.
        max_length: tokens of a window at most; None is what the model can read.
        dev_fraction: share of the texts that are held out of training, by which the best step, the
            calibration and, of two classes, the threshold are chosen.
        patience: evaluations without a better dev score after which training ends.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: of the processor; None leaves it to torch.
        precision: what is computed in: `auto`, `float32`, `bfloat16` or `exact`.
        random_state: an int seeds all that is random; None draws the seed from numpy.
        progress: whether a bar is shown while it is fitted, on a terminal or in a notebook.
        options: further options of `glossator.fit`, by name: `{"class_weights": "auto"}`.

    Attributes:
        classes_: (C,) the classes, sorted, of the type of `y`.
        model_: the trained `Predictor`, whose labels are the classes as strings.
    """

    def __init__(  # noqa: PLR0913 - a parameter of scikit-learn is an argument of its own
        self,
        model: str | Path = "minilm",
        *,
        epochs: int = 5,
        max_steps: int | None = None,
        learning_rate: float | Literal["auto"] | None = None,
        batch_size: int = 32,
        max_length: int | None = None,
        dev_fraction: float = 0.1,
        patience: int = 3,
        device: str = "auto",
        threads: int | None = None,
        precision: Literal["auto", "float32", "bfloat16", "exact"] = "auto",
        random_state: int | np.random.RandomState | None = 0,
        progress: bool = False,
        options: Mapping[str, Any] | None = None,
    ):
        self.model = model
        self.epochs = epochs
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.dev_fraction = dev_fraction
        self.patience = patience
        self.device = device
        self.threads = threads
        self.precision = precision
        self.random_state = random_state
        self.progress = progress
        self.options = options

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the classes of texts.

        Args:
            X: (N,) strings: a list, an array, a Series, or a table of one column.
            y: (N,) classes: strings, numbers or truth values.

        Raises:
            InputError: `X` or `y` is something else, they differ in length, there is one class
                alone, or too few texts of one.
        """
        if y is None:
            raise InputError("requires y to be passed, but the target y is None")
        texts = _texts(X)
        found = column_or_1d(y, warn=True)
        check_consistent_length(texts, found)
        classes, places = np.unique(_known(found), return_inverse=True)
        if len(classes) < 2:
            raise InputError(f"y has {len(classes)} class; at least two are needed to tell apart")
        names = _names(classes)
        role, target = _roles()
        rows = [
            {role: text, target: names[place]}
            for text, place in zip(texts, places.tolist(), strict=True)
        ]
        self.model_: Predictor = fit(rows, **self._options())
        self.classes_ = classes
        place = {name: number for number, name in enumerate(names)}
        self._columns = [place[name] for name in self.model_.classes_.tolist()]
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """(N,) the class of each of N texts.

        Raises:
            TextError: a text shows nothing, or is none.
        """
        check_is_fitted(self)
        answers = self.model_.predict(_texts(X), blank="raise")
        names = self.model_.classes_.tolist()
        chosen = [self._columns[names.index(answer.label)] for answer in answers]
        return np.asarray(self.classes_[np.array(chosen, np.int64)])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities, in the order of `classes_`.

        With two classes `predict` takes the threshold that was best on the held-out texts, which
        need not be one half.

        Raises:
            TextError: a text shows nothing, or is none.
        """
        check_is_fitted(self)
        found = self.model_.predict_proba(_texts(X), blank="raise")
        # A class whose texts all showed nothing was not learned.
        whole = np.zeros((len(found), len(self.classes_)))
        whole[:, self._columns] = found
        return whole

    def _options(self) -> dict[str, Any]:
        """Those of `glossator.fit`."""
        own = self.get_params(deep=False)
        further, state = own.pop("options") or {}, own.pop("random_state")
        seed = state if isinstance(state, int | np.integer) else None
        if seed is None:
            seed = check_random_state(state).randint(2**31 - 1)
        columns = {role: role for role in _roles()}
        run = {"task": _kind().name, "test_fraction": 0.0, "seed": int(seed)}
        given = {**own, **columns, **run, **further}
        # A search draws its numbers from numpy.
        return {name: x.item() if isinstance(x, np.generic) else x for name, x in given.items()}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / "model"
                state.pop("model_").save(folder)
                state["model_"] = {x.name: x.read_bytes() for x in folder.iterdir()}
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(dict(state))
        files = vars(self).get("model_")
        if files is None:
            return
        with tempfile.TemporaryDirectory() as temporary:
            for name, data in files.items():
                (Path(temporary) / name).write_bytes(data)
            runtime = RuntimeConfig(
                device=self.device, threads=self.threads, precision=self.precision
            )
            self.model_ = load(temporary, runtime=runtime)


def _kind() -> KindConfig:
    """The kind of task that tells texts apart."""
    return config_named(name_opening("AutoModelForSequenceClassification"))


def _roles() -> tuple[str, str]:
    """Of a text, and of its class."""
    return _kind().roles[0].name, _kind().targets[0]


def _texts(X: Any) -> list[str]:
    """N texts of whatever holds them."""
    expected = "X must hold one string a sample"
    rows = frame_rows(X) if getattr(X, "ndim", 2) == 2 and not isinstance(X, np.ndarray) else None
    if rows is not None:
        if rows and len(rows[0]) != 1:
            raise InputError(f"{expected}; got a table of {len(rows[0])} columns")
        values = [value for row in rows for value in row.values()]
    else:
        if isinstance(X, str | bytes) or not isinstance(X, Iterable):
            raise InputError(f"{expected}; got {X!r:.60} ({type(X).__name__})")
        table = np.asarray(X, object) if getattr(X, "ndim", 1) == 2 else None
        one = table is not None and table.shape[1] == 1
        values = table[:, 0].tolist() if table is not None and one else list(X)
    if not values:
        raise InputError("X has 0 sample(s); a minimum of 1 is required")
    for number, value in enumerate(values):
        if not isinstance(value, str):
            kind = type(value).__name__
            raise TextError(f"{expected}; X[{number}] is {value!r:.60} ({kind})")
    return values


def _known(y: NDArray[Any]) -> NDArray[Any]:
    """Classes that have an order and are whole."""
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.round(y)).all()):
        raise InputError("Unknown label type: y holds fractions, NaN or infinity; expected classes")
    if y.dtype.kind == "O" and len({type(value) for value in y}) > 1:
        kinds = sorted({type(value).__name__ for value in y})
        raise InputError(f"Unknown label type: y holds values of {', '.join(kinds)}; expected one")
    return y


def _names(classes: NDArray[Any]) -> list[str]:
    """What the model calls the classes: as they print, or by number where that shows nothing."""
    names = [str(value) for value in classes.tolist()]
    readable = len(set(names)) == len(names) and not any(map(is_blank, names))
    return names if readable else [str(number) for number in range(len(names))]
