"""`glossator tokenizer`: from raw text to a tokenizer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import FLAT, Shown
from glossator.cli.screen import Screen
from glossator.files import new_folder, refuse_existing
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.text.tokenizer_training import TokenizerConfig

__all__ = ["TokenizerOptions", "tokenizer"]

_MARKER = "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class TokenizerOptions:
    """How a tokenizer is trained.

    Attributes:
        output: the folder to write.
        overwrite: replace that folder if it is there.
        kind: what is trained, and how large.
        corpus: how the text is read and cleaned.
        shown: how the result is told.
    """

    output: Path = Path("tokenizer")
    overwrite: bool = False
    kind: Annotated[TokenizerConfig, FLAT] = field(default_factory=TokenizerConfig)
    corpus: Annotated[CorpusConfig, Parameter(name="*", group="Corpus")] = field(
        default_factory=CorpusConfig
    )
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = TokenizerOptions()


def tokenizer(
    corpus: list[str], /, *, options: Annotated[TokenizerOptions, FLAT] = _DEFAULTS
) -> int:
    """Train a tokenizer on raw text.

    Args:
        corpus: files of text (an empty line ends a document), .jsonl or .parquet, each also packed
            as .gz or .zst.
        options: how.
    """
    refuse_existing(options.output, overwrite=options.overwrite, marker=_MARKER)
    from glossator.cli.progress import meter
    from glossator.pretraining.corpus.building import CleanDocuments
    from glossator.text.tokenizer_training import train_tokenizer

    screen = Screen(json=options.shown.json)
    clean = CleanDocuments(corpus, options.corpus)
    began = time.perf_counter()
    with meter(screen, "reading", None) as progress:

        def sentences() -> Iterator[str]:
            for document in clean:
                progress.add(1)
                yield from document

        trained = train_tokenizer(sentences(), options.kind)
    with new_folder(options.output, overwrite=options.overwrite, marker=_MARKER) as folder:
        trained.save(folder)
    found = {"tokenizer": str(options.output), **asdict(options.kind), **clean.to_json()}
    screen.json({**found, "seconds": round(time.perf_counter() - began, 3)})
    read = clean.to_json()["read"]
    screen.say(
        f"{options.output}: {trained.vocabulary_size:,} pieces ({options.kind.kind}), from "
        f"{read['documents']:,} documents of {read['characters']:,} characters"
    )
    screen.say("Next:", "bold")
    screen.say(
        f"  glossator pretrain {' '.join(corpus[:3])} --tokenizer {options.output} --output my-bert"
    )
    return 0
