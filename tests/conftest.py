"""Fixtures that every test may use: model folders, the data folder, one torch thread."""

from __future__ import annotations

import os

# Before anything imports torch or a tokenizer, and inherited by the commands that tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
# Ray and wandb tell nobody of these runs, and a busy machine is given the time it takes.
os.environ |= {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1500",
    "RAY_gcs_server_port_wait_time_s": "500",
    "RAY_gcs_server_request_timeout_seconds": "500",
    "RAY_health_check_failure_threshold": "100",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB__SERVICE_WAIT": "500",
}

import importlib.util
import json
import random
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

# What several rooms of the tests share beside fixtures.
sys.path.insert(0, str(Path(__file__).parent / "helpers"))

# The same examples each time, however long they take; --hypothesis-profile=default draws others.
hypothesis.settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")

TINY_CONFIG = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
    "model_type": "bert",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "type_vocab_size": 2,
}
TINY_TEXT = """
where is my new card ? it has not arrived yet , please send another one
i lost the card and want to block it now
how do i change the pin of my account
the money was not paid into my bank this week
why did you charge a fee for the transfer , that is too much
great film , good story and very well played by all
a bad , slow and boring film that we did not like at all
the market fell today after shares of the company lost ten per cent
the team won the match in the last minute and is top of the league
"""
_LONGEST = ("tests/test_docs.py", "tests/training/test_cluster.py")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session", autouse=True)
def few_rows_at_once() -> Iterator[None]:
    """Tables of tests are small: they are learned from at once, and no recipes measured first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glossator.finetuning.few_rows.MOST", 0)
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first, so that none is left when all others are done.

    Tests of clusters go to the same process: each has this machine's processors in its plan.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
    for item in items:
        if "_on_ray_" in item.name or "ray_cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """What is drawn without a seed hangs neither on chance nor on the tests before."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public data sets that GLOSSATOR_DATA names; the test is skipped without it."""
    folder = os.environ.get("GLOSSATOR_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GLOSSATOR_DATA names no folder of data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """The starter `minilm`; skipped where `glossator starter add minilm` has not been run."""
    return _starter("minilm")


@pytest.fixture(scope="session")
def multilingual_folder() -> Path:
    """The starter `multilingual`; skipped where it has not been added."""
    return _starter("multilingual")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[str]:
    """The address of a Ray cluster of this machine, one for all tests; skipped without Ray."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed")
    program = Path(__file__).parent / "helpers" / "local_cluster.py"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, program], stdin=pipe, stdout=pipe, text=True) as process:
        told = (line.partition("address ")[2].strip() for line in process.stdout)
        yield next(address for address in told if address)
        process.stdin.close()


def _starter(name: str) -> Path:
    from glossator.errors import ModelFolderError
    from glossator.models.starter import locate

    try:
        return locate(name)
    except ModelFolderError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of 2 layers x 32 with a WordPiece tokenizer, as a Hugging Face folder.

    The same bytes in every run; at most 64 positions. Copy it before changing it.
    """
    folder = tmp_path_factory.mktemp("tiny") / "tiny-bert"
    folder.mkdir()
    size = _write_tokenizer(folder)
    config = {**TINY_CONFIG, "vocab_size": size}
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    _write_weights(folder, config)
    return folder


@pytest.fixture(scope="session")
def tiny_starter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with as many positions as the starters have, 512."""
    folder = tmp_path_factory.mktemp("starter") / "tiny-starter"
    folder.mkdir()
    size = _write_tokenizer(folder)
    config = {**TINY_CONFIG, "vocab_size": size, "max_position_embeddings": 512}
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    _write_weights(folder, config)
    return folder


def _write_tokenizer(folder: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    extra = string.ascii_lowercase + string.digits + ".!'-"
    characters = sorted({c for c in TINY_TEXT + extra if not c.isspace()})
    pieces = [*characters, *(f"##{c}" for c in characters), *sorted(set(TINY_TEXT.split()))]
    vocabulary = {p: i for i, p in enumerate(dict.fromkeys([*SPECIAL, *pieces]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    settings = dict(zip(names, SPECIAL, strict=True)) | {
        "do_lower_case": True,
        "model_max_length": TINY_CONFIG["max_position_embeddings"],
        "tokenizer_class": "BertTokenizer",
    }
    text = json.dumps(settings, indent=2)
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    return len(vocabulary)


def _write_weights(folder: Path, config: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    draws = np.random.default_rng(0)
    width, inner = config["hidden_size"], config["intermediate_size"]
    weights: dict[str, np.ndarray] = {}

    def matrix(name: str, *shape: int) -> None:
        weights[name] = draws.normal(0, 0.05, shape).astype(np.float32)

    def linear(name: str, rows: int, columns: int) -> None:
        matrix(f"{name}.weight", rows, columns)
        matrix(f"{name}.bias", rows)

    def norm(name: str) -> None:
        matrix(f"{name}.weight", width)
        weights[f"{name}.weight"] += 1
        matrix(f"{name}.bias", width)

    matrix("embeddings.word_embeddings.weight", config["vocab_size"], width)
    matrix("embeddings.position_embeddings.weight", config["max_position_embeddings"], width)
    matrix("embeddings.token_type_embeddings.weight", config["type_vocab_size"], width)
    norm("embeddings.LayerNorm")
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", width, width)
        linear(f"{layer}.attention.output.dense", width, width)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", inner, width)
        linear(f"{layer}.output.dense", width, inner)
        norm(f"{layer}.output.LayerNorm")
    linear("pooler.dense", width, width)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 documents of raw text."""
    from raw_text import as_text, make_documents

    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text(as_text(make_documents(300)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tokenizer_folder(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WordPiece tokenizer of that text."""
    from raw_text import strange_words

    from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [*corpus_file.read_text(encoding="utf-8").splitlines(), *strange_words(300) * 2]
    train_tokenizer(texts, TokenizerConfig(vocab_size=400)).save(folder)
    return folder
