"""Random small models of every family, saved by the referee."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

BERT = {
    "vocab_size": 61,
    "hidden_size": 15,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 23,
    "max_position_embeddings": 40,
}
# Name of the case -> name of the referee's config class, and its fields. Sizes are odd on purpose.
CASES: dict[str, tuple[str, dict]] = {
    "bert": ("BertConfig", {**BERT, "classifier_dropout": 0.3}),
    "bert-gelu_new": ("BertConfig", {**BERT, "hidden_act": "gelu_new", "type_vocab_size": 3}),
    "roberta": ("RobertaConfig", {**BERT, "type_vocab_size": 1, "hidden_act": "relu"}),
    "xlm-roberta": ("XLMRobertaConfig", {**BERT, "type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "camembert": ("CamembertConfig", {**BERT, "type_vocab_size": 1, "pad_token_id": 3}),
    "distilbert": (
        "DistilBertConfig",
        {
            "vocab_size": 61,
            "dim": 15,
            "n_layers": 3,
            "n_heads": 3,
            "hidden_dim": 23,
            "max_position_embeddings": 40,
            "activation": "relu",
        },
    ),
    "electra-narrow": ("ElectraConfig", {**BERT, "embedding_size": 7}),
    "electra-even": ("ElectraConfig", {**BERT, "embedding_size": 15, "hidden_act": "silu"}),
    "modernbert": (
        "ModernBertConfig",
        {
            "vocab_size": 61,
            "hidden_size": 18,
            "num_hidden_layers": 4,
            "num_attention_heads": 3,
            "intermediate_size": 23,
            "max_position_embeddings": 64,
            "local_attention": 8,
            "pad_token_id": 0,
        },
    ),
    "modernbert-mean": (
        "ModernBertConfig",
        {
            "vocab_size": 61,
            "hidden_size": 20,
            "num_hidden_layers": 3,
            "num_attention_heads": 5,
            "intermediate_size": 23,
            "max_position_embeddings": 64,
            "local_attention": 6,
            "pad_token_id": 0,
            "classifier_pooling": "mean",
            "classifier_bias": True,
            "norm_bias": True,
            "attention_bias": True,
            "mlp_bias": True,
            "hidden_activation": "gelu_pytorch_tanh",
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 500.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 70.0},
            },
        },
    ),
}
SEGMENTED = ("bert", "bert-gelu_new", "electra-narrow", "electra-even")
Save = Callable[..., tuple[Path, torch.nn.Module]]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """The name of each case in turn."""
    return request.param


def randomize(model: torch.nn.Module) -> None:
    """Weights with which no part is idle: the initial ones leave norms at 1 and biases at 0."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in sorted(model.named_parameters()):
        centre = 1.0 if parameter.ndim == 1 and name.endswith("weight") else 0.0
        with torch.no_grad():
            parameter.copy_(centre + 0.3 * torch.randn(parameter.shape, generator=generator))


@pytest.fixture
def saved_by_referee(tmp_path: Path) -> Save:
    """Makes, for a case, a folder saved by `transformers` and the model that saved it."""
    import transformers

    def make(
        case: str, auto: str = "AutoModelForSequenceClassification", **fields: object
    ) -> tuple[Path, torch.nn.Module]:
        name, given = CASES[case]
        config = getattr(transformers, name)(**{"num_labels": 3, **given, **fields})
        model = getattr(transformers, auto).from_config(config, attn_implementation="eager")
        randomize(model)
        folder = tmp_path / f"{case}-{auto}-{len(list(tmp_path.iterdir()))}"
        model.eval().save_pretrained(folder)
        return folder, model

    return make


@pytest.fixture
def texts() -> list[list[int]]:
    """Token ids of texts of mixed lengths, none the padding token of any case."""
    random = np.random.default_rng(3)
    return [random.integers(4, 61, size).tolist() for size in (5, 31, 1, 12, 12, 2)]


@pytest.fixture
def segments(request: pytest.FixtureRequest, texts: list[list[int]]) -> list[list[int]] | None:
    """Segment ids of the same texts, for the cases that have them."""
    if request.getfixturevalue("case") not in SEGMENTED:
        return None
    return [[int(2 * i >= len(text)) for i in range(len(text))] for text in texts]


@dataclass(frozen=True)
class Verdict:
    """What the referee computed, without its padding."""

    logits: torch.Tensor | None
    hidden_states: list[torch.Tensor]  # (T, width) each
    attention_maps: list[list[torch.Tensor]]  # (heads, length, length), text by text


@pytest.fixture
def ask_referee() -> Callable[..., Verdict]:
    """Runs a model of `transformers` over texts in one padded batch."""

    def ask(
        model: torch.nn.Module, texts: list[list[int]], segments: list[list[int]] | None = None
    ) -> Verdict:
        def pad(rows: list[list[int]], filler: int) -> torch.Tensor:
            width = max(map(len, rows))
            return torch.tensor([row + [filler] * (width - len(row)) for row in rows])

        inputs = {
            "input_ids": pad(texts, model.config.pad_token_id),
            "attention_mask": pad([[1] * len(text) for text in texts], 0),
        }
        if segments is not None:
            inputs["token_type_ids"] = pad(segments, 0)
        with torch.set_grad_enabled(model.training):
            output = model(**inputs, output_hidden_states=True, output_attentions=True)
        lengths = [len(text) for text in texts]
        return Verdict(
            logits=getattr(output, "logits", None),
            hidden_states=[
                torch.cat([row[:n] for row, n in zip(state, lengths, strict=True)])
                for state in output.hidden_states
            ],
            attention_maps=[
                [row[:, :n, :n] for row, n in zip(layer, lengths, strict=True)]
                for layer in output.attentions
            ],
        )

    return ask
