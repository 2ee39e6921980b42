"""Raw text that can be learned from, for the tests of pretraining."""

from __future__ import annotations

import random
import string

SUBJECTS = ["the film", "this story", "my card", "the market", "our team", "the refund"]
ENDS = {
    "the film": "was slow and boring",
    "this story": "was told very well",
    "my card": "has not arrived yet",
    "the market": "fell again this week",
    "our team": "won in the last minute",
    "the refund": "was paid too late",
}


def make_documents(count: int, seed: int = 0) -> list[list[str]]:
    """Documents of some sentences, whose ends hang on how they begin; no two are equal."""
    draws = random.Random(seed)
    documents = []
    for number in range(count):
        subjects = draws.choices(SUBJECTS, k=draws.randint(3, 9))
        documents.append([f"{s} {ENDS[s]} ." for s in subjects] + [f"number {number} ."])
    return documents


def as_text(documents: list[list[str]]) -> str:
    return "\n\n".join("\n".join(document) for document in documents) + "\n"


def strange_words(count: int) -> list[str]:
    """Words of random letters, which fill a vocabulary up."""
    draws = random.Random(0)
    return ["".join(draws.choices(string.ascii_lowercase, k=8)) for _ in range(count)]
