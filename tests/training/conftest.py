from __future__ import annotations

import numpy as np
import pytest

from glossator.models import checkpoint
from glossator.tasks.text_classification import TextClassification
from glossator.text.tokenizer import Tokenizer

LABELS = ("no", "yes")


@pytest.fixture
def task(tiny_model_folder):
    return TextClassification(Tokenizer.load(tiny_model_folder), LABELS, max_length=24)


@pytest.fixture
def rows(task):
    """40 rows of mixed lengths, some of several windows; the first word gives the label away."""
    random = np.random.default_rng(2)
    words = ["film", "card", "the", "market", "won", "week"]
    targets = random.integers(0, 2, 40)
    texts = [
        f"{'great' if y else 'bad'} " + " ".join(random.choice(words, random.integers(1, 40)))
        for y in targets
    ]
    return task.encode(texts, targets.tolist())


@pytest.fixture
def model_of(tiny_model_folder):
    """Makes a model, always the same; without dropout unless asked for."""

    def make(dropout=0.0):
        model = checkpoint.load_classifier(tiny_model_folder, LABELS, seed=1)
        for module in model.modules():
            for name in ("p", "dropout", "dropout_p"):
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, dropout)
        return model

    return make
