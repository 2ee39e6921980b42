"""Model folders that make vectors, or put texts in order: made of a tiny encoder, untrained."""

from __future__ import annotations

import shutil
from pathlib import Path

from glossator.tasks.kinds.feature_extraction.sentence_files import Told, written_files


def make_embedder(encoder: Path, folder: Path, *, max_length: int = 32) -> Path:
    """A folder of sentence-transformers around an encoder."""
    shutil.copytree(encoder, folder)
    for name, text in written_files(Told("mean", True, max_length), 32).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def make_ranker(encoder: Path, folder: Path) -> Path:
    """A model folder of ours that learned next to nothing."""
    import glossator

    rows = [
        {"text": f"where is card {i}", "text_pair": f"{word} {i}", "label": grade}
        for i in range(8)
        for grade, word in enumerate(("a film", "the card"))
    ]
    options = {"task": "text-ranking", "epochs": 1, "max_length": 24, "precision": "float32"}
    glossator.fit(rows, model=encoder, output=folder, progress=False, **options)
    return folder
