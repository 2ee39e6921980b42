"""Personal data in what is asked and answered, hidden."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.errors import ModelFolderError, TextError
from glossator.models.config import RuntimeConfig
from glossator.text.masking import Masked, NameFinder, hidden, mask

__all__ = ["Masks", "ModelNames"]

_PERSONS = frozenset({"PER", "PERSON", "PERS", "NAME", "NAMES", "I-PER", "B-PER"})
_LOGGED = 2_000
Json: TypeAlias = Any


class _Named(Protocol):
    start: int
    end: int
    label: str


class ModelNames:
    """Names of persons, as a model that finds stretches of a text sees them.

    Args:
        predictor: whose answers have `entities`.

    Raises:
        ModelFolderError: they have none.
    """

    def __init__(self, predictor: Predictor):
        self._predictor, self._lock = predictor, threading.Lock()
        try:
            self._entities("Anna Schmidt lives in Paris.")
        except AttributeError:
            task = predictor.task.name
            message = f"--mask-names asks for a model that finds entities; this is one of {task}"
            raise ModelFolderError(message) from None

    @classmethod
    def open(cls, folder: str | Path, runtime: RuntimeConfig) -> ModelNames:
        """As the constructor, of a model folder."""
        return cls(load(folder, runtime=runtime))

    def __call__(self, text: str) -> Iterator[tuple[int, int]]:
        """See `NameFinder`."""
        for entity in self._entities(text):
            if entity.label.upper() in _PERSONS:
                yield entity.start, entity.end

    def _entities(self, text: str) -> Sequence[_Named]:
        with self._lock:
            try:
                (found,) = self._predictor.predict([text])
            except TextError:
                return ()
        # None: the text shows nothing.
        entities: Sequence[_Named] = () if found is None else found.entities
        return entities


class Masks:
    """Hides personal data in values of JSON.

    Args:
        names: finds the names of persons; without it they stay.
        always: answers have their inputs masked unless a request says otherwise.
        log: texts are logged, masked.
    """

    def __init__(self, names: NameFinder | None = None, *, always: bool = False, log: bool = False):
        self._names, self.always, self.log = names, always, log

    def texts(self, value: Json) -> list[str]:
        """The texts of an input, masked and then cut, as a log can hold them."""
        # Not the other way about: half of a number is not seen to be one.
        return [mask(text, self._names).text[:_LOGGED] for text in _texts(value)]

    def answered(self, value: Json, prediction: Json) -> tuple[Json, Json]:
        """An input and its prediction, of the form they had, with every text of them masked.

        A quote is masked as it is in the text. Places (`start`, `end`) are left as they are: they
        are those of the text that was sent.
        """
        texts = {text: mask(text, self._names) for text in _texts(value)}
        return _replaced(texts, value), _quoted(texts, prediction)


def _replaced(texts: Mapping[str, Masked], value: Json) -> Json:
    if isinstance(value, str):
        return texts[value].text
    if isinstance(value, Mapping):
        return {name: _replaced(texts, part) for name, part in value.items()}
    return [_replaced(texts, part) for part in value] if isinstance(value, list) else value


def _quoted(texts: Mapping[str, Masked], value: Json) -> Json:
    if isinstance(value, str):
        return texts[value].text if value in texts else mask(value).text
    if isinstance(value, Mapping):
        quote = {name: _quoted(texts, part) for name, part in value.items()}
        return {**quote, **_places(texts, value)}
    return [_quoted(texts, part) for part in value] if isinstance(value, list) else value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _places(texts: Mapping[str, Masked], value: Mapping[str, Json]) -> dict[str, str]:
    """The strings of an object with `start` and `end` that quote a text there, masked.

    Half of a number is no number by itself; it is hidden since the whole is.
    """
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return {}
    return {
        name: hidden(part, masked.found, start)
        for name, part in value.items()
        for text, masked in texts.items()
        if isinstance(part, str) and part and text[start:end] == part
    }
