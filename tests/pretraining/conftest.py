from __future__ import annotations

from pathlib import Path

import pytest

from glossator.text.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> Tokenizer:
    """The WordPiece tokenizer of `corpus_file`."""
    return Tokenizer.load(tokenizer_folder)
