"""Personal data: recall, precision and F2 by kind, names by a model, and seconds for a megabyte."""

from __future__ import annotations

import itertools
import random
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import parser, write_result
from glossator.text.masking import NameFinder, mask
from glossator.text.tagging import Span

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from personal_data import CLEAN, HELD_OUT, SEEN, Sentence, sentences, tallied

BAR_RECALL, BAR_NAMES, BAR_SECONDS = 0.99, 0.90, 1.0
MEGABYTE = 1_000_000
# What a finder could stumble over, repeated: none may take more than in proportion to its length.
HARD = ("1 ", "4111 ", "4", "a@", "@a.", "a.", "a:", "12 Aa Aa Aa Aa ", "Aa-", "路一号", "(1) ")
HARD += ("DE89 3704 0044 0532 0130 01 ", "1-", "Plaza A ", "(at)", "1.2.3.", "strasse 1 ")
HARD += (f"{'4' * 40}a ", f"{'(4) ' * 8}4a ", f"Plaza {'A' * 100} ")
NAMES = ("Anna Schmidt", "Wei Zhang", "Maria García", "John O'Neil", "Olga Petrova", "Ali Hassan")


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--count", type=int, default=2_000, help="sentences of each kind")
    p.add_argument("--seed", type=int, default=11)
    p.add_argument("--names", help="model folder that finds names")
    a = p.parse_args(arguments)
    results: dict[str, Any] = {
        "seen": _figures(SEEN, a.count, a.seed),
        "held out": _figures(HELD_OUT, a.count, a.seed),
        "seconds for 1 MB": _seconds(),
    }
    if a.names:
        results["recall of names"] = _names(a.names, a.count, a.seed)
    results["bars"] = {"recall": BAR_RECALL, "names": BAR_NAMES, "seconds": BAR_SECONDS}
    write_result("masking", arguments, results)


def _figures(templates: tuple[str, ...], count: int, seed: int) -> dict[str, Any]:
    cases = [*sentences(templates, count, seed), *(Sentence(text) for text in CLEAN)]
    tallies, _ = tallied(lambda text: mask(text).found, cases)
    return {
        kind: {
            "n": x.hidden + x.missed,
            "recall": round(x.recall, 4),
            "precision": round(x.precision, 4),
            "F2": round(x.f2, 4),
        }
        for kind, x in tallies.items()
    }


def _seconds() -> dict[str, float]:
    cases = [x.text for x in sentences(SEEN, 500, 5)]
    random.Random(5).shuffle(cases)
    texts = {
        "sentences with personal data": "\n".join(itertools.islice(itertools.cycle(cases), 30_000))
    }
    texts["sentences without"] = "\n".join(CLEAN * 2_000)
    texts |= {f"hard: {piece}": piece * (MEGABYTE // 10 // len(piece)) for piece in HARD}
    found = {}
    for name, text in texts.items():
        began = time.process_time()
        mask(text[:MEGABYTE])
        found[name] = round((time.process_time() - began) * MEGABYTE / len(text[:MEGABYTE]), 2)
    return found


def _names(folder: str, count: int, seed: int) -> float:
    from glossator.models.config import RuntimeConfig
    from glossator.serving.masks import ModelNames

    finder: NameFinder = ModelNames.open(folder, RuntimeConfig())
    rng, hidden = random.Random(seed), 0
    for _ in range(count):
        before, _, after = rng.choice(HELD_OUT).partition("{}")
        text, name = before, rng.choice(NAMES)
        whole = Span(len(text), len(text) + len(name), "NAME")
        found = mask(text + name + after.replace("{}", "it"), finder).found
        hidden += any(x.start <= whole.start and whole.end <= x.end for x in found)
    return round(hidden / count, 4)
