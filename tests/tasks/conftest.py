from __future__ import annotations

import pytest
import torch

from glossator.models import checkpoint
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.text.tokenizer import Tokenizer

LABELS = ("card", "film", "market")


@pytest.fixture
def model(tiny_model_folder):
    """A classifier whose logits differ from text to text."""
    model = checkpoint.load_classifier(tiny_model_folder, LABELS)
    with torch.no_grad():
        model.head.output.weight.mul_(100)
    return model


@pytest.fixture
def task(tiny_model_folder):
    """Text classification for it, with windows of 16 tokens."""
    return OneLabel(Tokenizer.load(tiny_model_folder), LABELS, max_length=16)
