"""Which model answers where a request names none: protocols of servers with a single model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glossator.errors import ConfigError
from glossator.serving.keys import Key
from glossator.serving.models import Models, Served
from glossator.serving.problems import Problem, Refused

__all__ = ["ANY", "CLASSES", "EMBEDDINGS", "RANKS", "Chooser", "Need", "defaults_of"]


@dataclass(frozen=True)
class Need:
    """What a route needs of a model.

    Attributes:
        what: in the plural: no model gives WHAT.
        fits: whether a model gives that.
    """

    what: str
    fits: Callable[[Served], bool]


CLASSES = Need("probabilities of classes", lambda served: served.classes is not None)
EMBEDDINGS = Need("embeddings", lambda served: served.embeds)
RANKS = Need("ranks of texts", lambda served: served.ranks)
ANY = Need(
    "classes, embeddings or ranks",
    lambda served: any(need.fits(served) for need in (CLASSES, EMBEDDINGS, RANKS)),
)


class Chooser:
    """Chooses among the models that a key sees.

    Args:
        models: there are.
        defaults: names of models by their tasks.
    """

    def __init__(self, models: Models, defaults: Mapping[str, str]):
        self._models, self._defaults = models, defaults

    def choose(self, need: Need, key: Key, *, absent: int = 400) -> Served:
        """The default among the models that fit, else the only one that does.

        Args:
            need: what it must give.
            key: of who asks.
            absent: status where no model fits.

        Raises:
            Refused: none fits, or several do; the message lists them.
        """
        seen = [one for one in self._models.all() if key.sees(one.name)]
        fitting = [one for one in seen if need.fits(one)]
        if not fitting:
            message = f"no model of this server gives {need.what}; there are: {_listed(seen)}"
            raise Refused(Problem("no_model", message, absent))
        chosen = [one for one in fitting if self._defaults.get(_task(one)) == one.name]
        if len(chosen or fitting) == 1:
            return (chosen or fitting)[0]
        message = (
            f"several models give {need.what}: {_listed(fitting)}; the server chooses with "
            "--default TASK=MODEL, or ask /v1/models/MODEL/predict"
        )
        raise Refused(Problem("several_models", message, 400))


def defaults_of(given: Sequence[str], models: Models) -> dict[str, str]:
    """Models by tasks, from `TASK=MODEL`.

    Raises:
        ConfigError: one is no such pair, a model is not there or of another task, or a task has
            two.
    """
    found: dict[str, str] = {}
    there = {one.name: _task(one) for one in models.all()}
    for text in given:
        task, equals, name = text.partition("=")
        if not equals:
            raise ConfigError(f"--default is '{text}'; expected TASK=MODEL")
        if there.get(name) != task:
            listed = ", ".join(f"{task}={name}" for name, task in there.items())
            raise ConfigError(f"--default {text} fits no model; there are: {listed}")
        if found.setdefault(task, name) != name:
            raise ConfigError(f"--default names two models of {task}: {found[task]} and {name}")
    return found


def _task(served: Served) -> str:
    return served.predictor.task.name


def _listed(models: Sequence[Served]) -> str:
    return ", ".join(f"{one.name} ({_task(one)})" for one in models) or "none"
