"""`glossator demo pretrain`: a language model from raw reviews, and what it brings."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from glossator.bundles import cache_folder
from glossator.cli.pretrain import run
from glossator.cli.screen import Screen, grid
from glossator.files import durable_write, new_folder
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.models.config import RuntimeConfig
from glossator.pretraining.config import PretrainConfig, StartConfig
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.text.splits import sample
from glossator.training.config import TrainingConfig

if TYPE_CHECKING:
    from glossator.artifact.predictor import Predictor

__all__ = ["LANGUAGES", "Language", "Reviews", "demo_pretrain"]

Language = Literal["en", "zh"]


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """What the demo reads in a language.

    Attributes:
        sample: the sample of the cache.
        title: what it is.
        vocabulary: pieces of the tokenizer.
        gaps: texts that the model is to fill.
    """

    sample: str
    title: str
    vocabulary: int
    gaps: tuple[str, ...]

    @property
    def texts(self) -> str:
        """The file of what is read without labels."""
        return f"{self.sample}.jsonl"


LANGUAGES: dict[Language, Reviews] = {
    "en": Reviews(
        sample="film-reviews",
        title="Film reviews",
        vocabulary=8000,
        gaps=(
            "this is the [MASK] film i have ever seen .",
            "the acting is [MASK] and the story makes no sense .",
            "i would [MASK] this movie to all my friends .",
        ),
    ),
    # Of Chinese most pieces are its characters, of which these reviews have some 3,600.
    "zh": Reviews(
        sample="chinese-reviews",
        title="Chinese reviews of books, hotels and computers",
        vocabulary=5000,
        gaps=(
            "酒店的服务很[MASK]，下次还会来。",
            "这本书写得太[MASK]了，不值得买。",
            "房间很干[MASK]，早餐也不错。",
        ),
    ),
}

# To be read, to learn labels from, and to test on; no review is in two of them.
_READ, _LABELLED, _TEST = 12_000, 200, 1000
_SEED = 0
# Many small steps: a model this small learns by their number.
_TRAINING = TrainingConfig(
    epochs=1000, batch_size=16, learning_rate=3e-3, time_limit="3m", evaluation_steps=250
)
_FEW_LABELS = TrainingConfig(epochs=10, batch_size=8, learning_rate=5e-4, patience=10)


def demo_pretrain(
    language: Language,
    table: Path,
    folder: Path,
    runtime: RuntimeConfig,
    screen: Screen,
    *,
    overwrite: bool,
) -> int:
    """Read reviews without their labels for three minutes; then learn from a few labels.

    Args:
        language: of the reviews.
        table: reviews, with the columns `text` and `label`.
        folder: the model folder to write.
        runtime: where it runs.
        screen: told how it goes.
        overwrite: whether `folder` may be replaced.
    """
    reviews = LANGUAGES[language]
    texts, few, test = _draw(table, reviews.texts)
    tokenizer = _tokenizer(texts, reviews.vocabulary, screen)
    config = PretrainConfig(
        start=StartConfig(tokenizer=str(tokenizer), size="tiny"),
        corpus=CorpusConfig(sentences="punctuation"),
        training=_TRAINING,
        runtime=runtime,
    )
    result = run([str(texts)], config, folder, screen, overwrite=overwrite)
    gaps = _fill(folder, reviews.gaps, runtime)
    for text, words in gaps.items():
        screen.line(f"  {text}  {', '.join(words)}")
    compared = _few_labels(folder, few, test, runtime, screen)
    screen.json(result.to_json() | {"gaps": gaps, "few_labels": compared})
    return 0 if result.finished else 130


def _draw(table: Path, name: str) -> tuple[Path, list[dict[str, str]], list[dict[str, str]]]:
    """The reviews to read, as the file `name` of the cache, and rows with labels."""
    csv.field_size_limit(2**31 - 1)
    with open(table, encoding="utf-8", newline="") as file:
        rows = list({row["text"]: row for row in csv.DictReader(file)}.values())
    wanted = min(len(rows), _READ + _LABELLED + _TEST)
    drawn = [rows[i] for i in sample(len(rows), wanted, _SEED).tolist()]
    order = sample(len(drawn), min(len(drawn) // 2, _LABELLED + _TEST), _SEED + 1).tolist()
    labelled = [drawn[i] for i in order]
    few, test = labelled[::6][:_LABELLED], [x for i, x in enumerate(labelled) if i % 6]
    apart = set(order)
    path = cache_folder() / "demo" / name
    lines = (json.dumps({"text": x["text"]}) for i, x in enumerate(drawn) if i not in apart)
    durable_write(path, "\n".join(lines) + "\n")
    return path, few, test


def _tokenizer(texts: Path, size: int, screen: Screen) -> Path:
    from glossator.pretraining.corpus.building import CleanDocuments
    from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer

    folder = cache_folder() / "demo" / f"{texts.stem}-tokenizer"
    documents = CleanDocuments([str(texts)], CorpusConfig(sentences="punctuation"))

    def sentences() -> Iterator[str]:
        for document in documents:
            yield from document

    screen.say(f"Tokenizer of {size:,} pieces", "bold")
    trained = train_tokenizer(sentences(), TokenizerConfig(vocab_size=size))
    with new_folder(folder, overwrite=True, marker="tokenizer.json") as temporary:
        trained.save(temporary)
    return folder


def _fill(folder: Path, gaps: Sequence[str], runtime: RuntimeConfig) -> dict[str, list[str]]:
    """What the model puts into gaps."""
    from glossator.artifact.opening import load

    answers = load(folder, runtime=runtime).predict(gaps, top_k=5)
    masks = (answer.to_json()["masks"][0] for answer in answers)
    found = ([token["token"] for token in mask] for mask in masks)
    return dict(zip(gaps, found, strict=True))


def _few_labels(
    folder: Path,
    few: Sequence[dict[str, str]],
    test: Sequence[dict[str, str]],
    runtime: RuntimeConfig,
    screen: Screen,
) -> dict[str, Any]:
    """The model against one of the same size with random weights, on a few labels."""
    from glossator.models import checkpoint, new_models
    from glossator.text.tokenizer import Tokenizer

    screen.say(f"What it brings: a classifier from {len(few)} labels", "bold")
    config = checkpoint.load_encoder(folder).config
    random = cache_folder() / "demo" / "random-weights"
    with new_folder(random, overwrite=True, marker="config.json") as temporary:
        checkpoint.save(new_models.new_masked(config, _SEED), temporary)
        Tokenizer.load(folder).save(temporary)
    names = {"random weights": random, "pretrained": folder}
    models = {name: _fitted(path, few, runtime) for name, path in names.items()}
    return _compared(models, test, screen)


def _fitted(model: Path, few: Sequence[dict[str, str]], runtime: RuntimeConfig) -> Predictor:
    from glossator.finetuning.run import run_fit

    data = DataConfig(test_fraction=0.0, dev_fraction=0.2)
    config = FitConfig(
        data=data, model=ModelConfig(model=str(model)), training=_FEW_LABELS, runtime=runtime
    )
    return run_fit(list(few), config).predictor


def _compared(
    models: dict[str, Predictor], test: Sequence[dict[str, str]], screen: Screen
) -> dict[str, Any]:
    from glossator.evaluation.comparison import paired_bootstrap

    labels = sorted({row["label"] for row in test})
    gold = [labels.index(row["label"]) for row in test]
    texts = [row["text"] for row in test]
    answers = [
        [labels.index(p.label) if p.label in labels else -1 for p in model.predict(texts)]
        for model in models.values()
    ]
    found = paired_bootstrap(gold, *answers)
    names = ("random weights", "pretrained", "difference", "95% interval")
    between = f"{found.low * 100:+.1f} to {found.high * 100:+.1f}"
    difference = f"{found.difference * 100:+.1f}"
    row = (f"{len(test)} reviews right", f"{found.a:.1%}", f"{found.b:.1%}", difference, between)
    screen.table(grid(("", *names), [row]))
    return {
        "random": found.a,
        "pretrained": found.b,
        "difference": found.difference,
        "difference_ci": [found.low, found.high],
    }
