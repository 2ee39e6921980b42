"""Intents with slots on SNIPS: one model of ours, two of ours, and the Trainer with two heads.

All train on all training rows from the same weights, epochs and rate, and keep the last weights.
What stands in `results/` already is not measured again, so that the command can be repeated.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks.beside_trainer import (
    Runs,
    fitted,
    kept_runs,
    medians,
    read_rows,
    trainer,
    write_rows,
)
from benchmarks.common import GLOSSATOR, data_folder, parser, run_json, write_result

GOALS = {"slot_f1": 0.94, "intent_accuracy": 0.975}
MEASURES = ("frame_accuracy", "intent_accuracy", "slot_f1")
Rows = list[dict[str, Any]]


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--model", default="minilm")
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--decoder", default="tags", choices=("tags", "crf"), help="of ours")
    p.add_argument("--rows", type=int, help="of the training rows the first so many")
    p.add_argument("--no-apart", action="store_true", help="leave out the two models of ours")
    a = p.parse_args(arguments)
    setting = {name: getattr(a, name) for name in ("model", "epochs", "learning_rate", "rows")}
    setting["decoder"] = a.decoder
    measures: dict[str, Callable[..., dict[str, Any]]] = {"joint": _joint}
    measures |= {} if a.no_apart else {"apart": _apart}
    measures |= {} if a.no_peer else {"trainer": _trainer}
    variant = "snips" if a.decoder == "tags" else f"snips_{a.decoder}"
    runs = kept_runs(f"frames_{variant}", setting, ("joint", "apart", "trainer"))
    for seed in map(str, range(a.seeds)):
        for who, measure in measures.items():
            if seed not in runs[who]:
                with tempfile.TemporaryDirectory() as scratch:
                    tables = _tables(data_folder(a) / "snips", a.rows, pathlib.Path(scratch))
                    runs[who][seed] = measure(a, tables, setting, seed)
                write_result("frames", arguments, _result(setting, runs), variant=variant)
    write_result("frames", arguments, _result(setting, runs), variant=variant)


def _result(setting: dict[str, Any], runs: Runs) -> dict[str, Any]:
    found = {name: medians(runs, name) for name in (*MEASURES, "seconds")}
    return {**setting, "goals": GOALS, "medians": found, "runs": runs}


def _tables(folder: pathlib.Path, rows: int | None, scratch: pathlib.Path) -> pathlib.Path:
    """A folder with the rows of each part, and the same with a text in the place of words."""
    for part, count in (("train", rows), ("test", None)):
        found = list(read_rows(folder / f"{part}.jsonl"))[:count]
        write_rows(scratch / f"{part}.jsonl", found)
        texts = [{"text": " ".join(row["tokens"]), "intent": row["intent"]} for row in found]
        write_rows(scratch / f"{part}-texts.jsonl", texts)
    return scratch


def _fit(
    tables: pathlib.Path, name: str, setting: dict[str, Any], seed: str, *more: str
) -> dict[str, Any]:
    """Train on `train{name}.jsonl`; the model is written to `model{name}`."""
    train, test = (tables / f"{part}{name}.jsonl" for part in ("train", "test"))
    output = tables / f"model{name}"
    return fitted(train, test, output, setting, seed, *more)


def _joint(a: Any, tables: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    got = _fit(tables, "", setting, seed, "--decoder", setting["decoder"])
    scores = {name: round(x, 4) for name, x in got["test"].items() if isinstance(x, float)}
    return {**scores, "seconds": got["train"]["seconds"]}


def _apart(a: Any, tables: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    """A model for the slots, and one for the intent of the same words as a text."""
    tags = "--task", "token-classification", "--decoder", setting["decoder"]
    slots = _fit(tables, "", setting, seed, *tags)
    intents = _fit(tables, "-texts", setting, seed, "--label", "intent")
    gold = read_rows(tables / "test.jsonl")
    found = [_predicted(tables, name) for name in ("", "-texts")]
    whole = [
        intent["label"] == row["intent"] and _said(slot["entities"]) == _tagged(row)
        for row, slot, intent in zip(gold, *found, strict=True)
    ]
    return {
        "frame_accuracy": round(sum(whole) / len(whole), 4),
        "intent_accuracy": round(intents["test"]["accuracy"], 4),
        "slot_f1": round(slots["test"]["f1"], 4),
        "seconds": slots["train"]["seconds"] + intents["train"]["seconds"],
    }


def _predicted(tables: pathlib.Path, name: str) -> Rows:
    """The answers of a model to the test rows."""
    answers = tables / f"answers{name}.jsonl"
    model, rows = tables / f"model{name}", tables / f"test{name}.jsonl"
    command = [*GLOSSATOR, "predict", str(model), str(rows), "--output", str(answers), "--json"]
    run_json(command)
    return [row["prediction"] for row in read_rows(answers)]


def _said(entities: Rows) -> set[tuple[int, int, str]]:
    return {(x["start"], x["end"], x["label"]) for x in entities}


def _tagged(row: dict[str, Any]) -> set[tuple[int, int, str]]:
    """The slots of a row by the characters of its words with a space between."""
    from glossator.text.tagging import spans_of

    starts, place = [], 0
    for word in row["tokens"]:
        starts.append(place)
        place += len(word) + 1
    ends = [start + len(word) for start, word in zip(starts, row["tokens"], strict=True)]
    return {(starts[x.start], ends[x.end - 1], x.label) for x in spans_of(row["tags"])}


def _trainer(a: Any, tables: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    both = [tables / "train.jsonl", tables / "test.jsonl"]
    return trainer(a.peer_python, "frames_trainer.py", both, setting, seed)
