"""A word table cut to the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from glossator.models.checkpoint import load_classifier
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.learnable import Example, collate
from glossator.training.vocabulary import narrow_vocabulary


def texts(size: int) -> list[Example]:
    draws = np.random.default_rng(0).integers(1, size, (4, 6), dtype=np.int32)
    return [Example(tokens, (0, 4), (np.array(number % 2),)) for number, tokens in enumerate(draws)]


def test_it_answers_and_learns_to_the_bit_as_the_full_table_does(tiny_model_folder: Path) -> None:
    trained = []
    for narrow in (False, True):
        model = load_classifier(tiny_model_folder, ["a", "b"], seed=0)
        examples = texts(model.encoder.embeddings.words.num_embeddings)
        batch = collate(examples, OneLabel.specs)

        def step(model=model, batch=batch) -> torch.Tensor:  # type: ignore[no-untyped-def]
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
            for _ in range(3):
                logits = model(batch.inputs)
                torch.nn.functional.cross_entropy(logits, batch.arrays["label"]).backward()
                optimizer.step()
                optimizer.zero_grad()
            return model(batch.inputs)

        if narrow:
            with narrow_vocabulary(model.encoder, [example.tokens for example in examples]):
                assert len(model.encoder.embeddings.words.weight) <= 24
                step()
        else:
            step()
        trained.append(model)
    for (name, a), (_, b) in zip(
        trained[0].named_parameters(), trained[1].named_parameters(), strict=True
    ):
        assert torch.equal(a, b), name


def test_the_full_table_is_put_back_after_an_error(tiny_model_folder: Path) -> None:
    encoder = load_classifier(tiny_model_folder, ["a", "b"]).encoder
    full = encoder.embeddings.words
    with (
        pytest.raises(RuntimeError, match="boom"),
        narrow_vocabulary(encoder, [np.array([1, 2], dtype=np.int32)]),
    ):
        raise RuntimeError("boom")
    assert encoder.embeddings.words is full
