"""Tokens a second of masked-language pretraining, ours against transformers' Trainer at its best.

BERT from random weights on the same texts, tokenizer and tokens a step, dropout of 0.1 in both; the
Trainer with both of its attention kinds, of which the better counts. Also the rate at which batches
are made, apart from the model.
"""

from __future__ import annotations

import pathlib
import tempfile
import time

from benchmarks.common import GLOSSATOR, HERE, median, parser, run_json, write_result
from glossator.models.sizes import SIZES


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--text", required=True, help="texts, one a line")
    p.add_argument("--size", default="mini", choices=SIZES)
    p.add_argument("--steps", type=int, default=30)
    p.add_argument("--turns", type=int, default=3)
    a = p.parse_args(arguments)
    size = SIZES[a.size]
    results: dict[str, object] = {"size": a.size}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus = folder / "corpus.txt"
        lines = pathlib.Path(a.text).read_text(encoding="utf-8").splitlines()
        corpus.write_text("\n\n".join(lines), encoding="utf-8")
        tokenizer = str(folder / "tokenizer")
        run_json([*GLOSSATOR, "tokenizer", str(corpus), "--output", tokenizer, "--json"])
        for length in (128, 512):
            ours = [
                *GLOSSATOR, "pretrain", str(corpus), "--tokenizer", tokenizer, "--size", a.size,
                "--length", str(length), "--max-steps", str(a.steps), "--dropout", "0.1",
                "--evaluation-steps", str(a.steps), "--output", str(folder / "model"),
                "--overwrite", "--json",
            ]  # fmt: skip
            peer = [
                a.peer_python, str(HERE / "peers" / "masked_trainer.py"), a.text, "--best",
                "--tokenizer", tokenizer, "--length", str(length), "--layers", str(size.layers),
                "--width", str(size.width), "--steps", str(max(5, a.steps // 3)),
            ]  # fmt: skip
            turns = [_turn(ours, peer, no_peer=a.no_peer) for _ in range(a.turns)]
            results[f"length_{length}"] = {
                "ours": median([turn[0] for turn in turns]),
                "trainer_best": median([turn[1] for turn in turns]),
                "ratio": round(median([turn[0] / max(turn[1], 1e-9) for turn in turns]), 2),
                "all": turns,
            }
        results["batches_alone"] = _batches_alone(folder / "model.run" / "corpus", tokenizer)
    write_result("pretrain_speed", arguments, results, variant=a.size)


def _turn(ours: list[str], peer: list[str], *, no_peer: bool) -> tuple[float, float]:
    rate = run_json(ours)["train"]["tokens_per_second"]
    if no_peer:
        return rate, 0.0
    kinds = ("sdpa", "eager")
    return rate, max(run_json([*peer, "--attention", k])["tokens_per_second"] for k in kinds)


def _batches_alone(corpus: pathlib.Path, tokenizer: str) -> float:
    """Tokens a second of rows read from the corpus and masked, on one thread."""
    import json

    from glossator.pretraining.corpus.corpus import open_corpus
    from glossator.pretraining.objectives.masked_language import MaskedLanguage
    from glossator.pretraining.rows import CorpusRows
    from glossator.text.tokenizer import Tokenizer

    made_of = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))["made_of"]
    pieces = Tokenizer.load(tokenizer)
    rows = CorpusRows(open_corpus(corpus, made_of).train, pieces, 128)
    objective = MaskedLanguage(pieces)
    began, tokens = time.perf_counter(), 0
    for start in range(0, len(rows) - 32, 32):
        examples = [example for number in range(start, start + 32) for example in rows[number]]
        tokens += len(objective.collate(examples, start).inputs.tokens)
    return round(tokens / (time.perf_counter() - began))
