"""`glossator demo`: the main job on real data, in minutes, without a network."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from glossator.artifact.manifest import read_json
from glossator.bundles import cache_folder
from glossator.cli.fit import run
from glossator.cli.options import FLAT, MACHINE, Shown
from glossator.cli.screen import Screen
from glossator.errors import ConfigError, InputError
from glossator.extras import require
from glossator.files import durable_write
from glossator.finetuning.config import DataConfig, FitConfig
from glossator.models.config import RuntimeConfig
from glossator.text.splits import sample
from glossator.training.config import TrainingConfig

__all__ = ["DemoOptions", "demo"]

_SAMPLE = "bbc-news"
_OURS = ("news-train.csv", f"{_SAMPLE}.csv")
_TRAIN, _TEST = 400, 200
_SEED = 0
# What `serve` learns from.
_OPENINGS, _LETTERS = 240, 200
_SHORT = TrainingConfig(epochs=2, batch_size=8)
# One pass in small steps: a second pass takes as long again.
_TRAINING = TrainingConfig(epochs=1, batch_size=8)


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """How the demo runs.

    Attributes:
        full: take all 2,225 documents.
        output: name of the model folder; by default demo-news, where the folder of an earlier
            demo is replaced.
        overwrite: replace any folder of that name.
        stay: of `serve`: go on answering until Ctrl-C, so that the page can be opened.
        language: of `pretrain`: of the reviews that are read.
        runtime: where it runs.
        shown: how the result is told.
    """

    full: bool = False
    output: Path | None = None
    overwrite: bool = False
    stay: bool = False
    language: Literal["en", "zh"] = "en"
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = DemoOptions()


def demo(
    name: Literal["news", "pretrain", "serve"] = "news",
    /,
    *,
    options: Annotated[DemoOptions, FLAT] = _DEFAULTS,
) -> int:
    """Fine-tune on real news in minutes, without a network.

    MiniLM learns to tell the five topics of BBC News from 400 documents and is tested on 200
    others; long ones are read in windows. With `pretrain` a tiny BERT reads reviews of films (with
    `--language zh` Chinese ones of books, hotels and computers) without labels for three minutes,
    fills gaps, and is held against random weights on a few labels. With `serve` a model learns
    from the first lines of news, or the one of an earlier demo is taken, and answers over HTTP.

    Args:
        name: of the demo.
        options: how it runs.
    """
    from glossator.models import starter
    from glossator.text import samples

    screen = Screen(json=options.shown.json)
    if options.language != "en" and name != "pretrain":
        raise ConfigError(f"--language is for demo pretrain; demo {name} is in English")
    if name == "pretrain":
        return _pretrain(options, screen)
    if name == "serve":
        return _serve(options, screen)
    table = samples.locate(_SAMPLE)
    starter.locate("minilm")  # says what to type if it is not here
    folder = options.output or Path(f"demo-{name}")
    train, test = (table, None) if options.full else _draw(table)
    data = DataConfig(test=None if test is None else str(test))
    config = FitConfig(data=data, training=_TRAINING, runtime=options.runtime)
    drawn = "all documents" if options.full else f"{_TRAIN} documents"
    screen.say(f"BBC News: which of five topics? {drawn}", "bold")
    again = options.overwrite or (options.output is None and _may_replace(folder, _OURS))
    result = run([str(train)], config, folder, screen, overwrite=again)
    return 0 if result.finished else 130


def _pretrain(options: DemoOptions, screen: Screen) -> int:
    from glossator.cli.demo_pretrain import LANGUAGES, demo_pretrain
    from glossator.text import samples

    reviews = LANGUAGES[options.language]
    table = samples.locate(reviews.sample)
    folder = options.output or Path("demo-pretrain")
    ours = [x.texts for x in LANGUAGES.values()]
    again = options.overwrite or (options.output is None and _may_replace(folder, ours))
    screen.say(f"{reviews.title}, without their labels", "bold")
    return demo_pretrain(options.language, table, folder, options.runtime, screen, overwrite=again)


def _serve(options: DemoOptions, screen: Screen) -> int:
    require("serve")
    from glossator.cli.demo_serve import OPENINGS, demo_serve, learn
    from glossator.models import starter
    from glossator.text import samples

    folder = options.output or Path("demo-serve")
    ours = folder.exists() and _may_replace(folder, (OPENINGS,))
    if options.overwrite or not ours:
        table = samples.locate(_SAMPLE)
        starter.locate("minilm")
        screen.say(f"BBC News: the topics of {_OPENINGS} articles, by their first lines", "bold")
        config = FitConfig(
            data=DataConfig(test_fraction=0.0), training=_SHORT, runtime=options.runtime
        )
        learn(_openings(table, OPENINGS), config, folder, screen, overwrite=options.overwrite)
    return demo_serve(folder, screen, stay=options.stay)


def _openings(table: Path, name: str) -> Path:
    """The first lines of documents, which are learned from in seconds."""
    with open(table, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    different = list({row[0]: row for row in rows}.values())
    count = min(_OPENINGS, len(different))
    drawn = [different[i] for i in sample(len(different), count, _SEED).tolist()]
    return _table(name, [header, *([_first_lines(text), topic] for text, topic in drawn)])


def _first_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2])[:_LETTERS]


def _draw(table: Path) -> tuple[Path, Path]:
    """The documents to learn from and those to test on, as tables in the cache.

    No text stands in both: of equal documents, of which there are a hundred, one is taken. The
    tables stay in the cache because the package's licence does not clear the texts.
    """
    with open(table, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    different = list({row[0]: row for row in rows}.values())
    drawn = [different[i] for i in sample(len(different), _TRAIN + _TEST, _SEED).tolist()]
    tested = set(sample(len(drawn), _TEST, _SEED + 1).tolist())
    train = [row for i, row in enumerate(drawn) if i not in tested]
    test = [row for i, row in enumerate(drawn) if i in tested]
    return _table("news-train.csv", [header, *train]), _table("news-test.csv", [header, *test])


def _table(name: str, rows: Iterable[Sequence[str]]) -> Path:
    path = cache_folder() / "demo" / name
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode("utf-8")
    if not path.is_file() or path.read_bytes() != data:
        durable_write(path, data)
    return path


def _may_replace(folder: Path, ours: Collection[str]) -> bool:
    """Whether nothing stands there but what an earlier demo left."""
    if not folder.exists():
        return True
    try:
        files = read_json(folder / "glossator.json")["data"]
        return any(file["name"] in ours for file in files)
    except (InputError, LookupError, TypeError):
        return False
