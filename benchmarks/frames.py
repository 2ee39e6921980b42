"""Intents with slots on SNIPS: one model of ours, two of ours, and the Trainer with two heads.

All train on all training rows from the same weights, epochs and rate, and keep the last weights.
What stands in `results/` already is not measured again, so that the command can be repeated.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks.common import (
    GLOSSATOR,
    HERE,
    data_folder,
    median,
    parser,
    run_json,
    starter_folder,
    write_result,
)

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
    runs = _kept(f"frames_{variant}", setting)
    for seed in map(str, range(a.seeds)):
        for who, measure in measures.items():
            if seed not in runs[who]:
                with tempfile.TemporaryDirectory() as scratch:
                    tables = _tables(data_folder(a) / "snips", a.rows, pathlib.Path(scratch))
                    runs[who][seed] = measure(a, tables, setting, seed)
                write_result("frames", arguments, _result(setting, runs), variant=variant)
    write_result("frames", arguments, _result(setting, runs), variant=variant)


def _result(setting: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    names = (*MEASURES, "seconds")
    medians = {
        name: {who: median([x[name] for x in v.values()]) for who, v in runs.items() if v}
        for name in names
    }
    return {**setting, "goals": GOALS, "medians": medians, "runs": runs}


def _kept(name: str, setting: dict[str, Any]) -> dict[str, dict[str, Any]]:
    path = HERE / "results" / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = all(kept.get(key) == value for key, value in setting.items())
    return kept["runs"] if kept and same else {"joint": {}, "apart": {}, "trainer": {}}


def _tables(folder: pathlib.Path, rows: int | None, scratch: pathlib.Path) -> pathlib.Path:
    """A folder with the rows of each part, and the same with a text in the place of words."""
    for part, count in (("train", rows), ("test", None)):
        found = _read(folder / f"{part}.jsonl")[:count]
        _write(scratch / f"{part}.jsonl", found)
        texts = [{"text": " ".join(row["tokens"]), "intent": row["intent"]} for row in found]
        _write(scratch / f"{part}-texts.jsonl", texts)
    return scratch


def _read(path: pathlib.Path) -> Rows:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _write(path: pathlib.Path, rows: Rows) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _fit(tables: pathlib.Path, name: str, setting: dict[str, Any], *more: str) -> dict[str, Any]:
    """Train on `train{name}.jsonl`; the model is written to `model{name}`."""
    return run_json([
        *GLOSSATOR, "fit", str(tables / f"train{name}.jsonl"),
        "--test", str(tables / f"test{name}.jsonl"), "--dev-fraction", "0",
        "--model", setting["model"], "--epochs", str(setting["epochs"]),
        "--learning-rate", str(setting["learning_rate"]), *more,
        "--output", str(tables / f"model{name}"), "--json",
    ])  # fmt: skip


def _joint(a: Any, tables: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    got = _fit(tables, "", setting, "--decoder", setting["decoder"], "--seed", seed)
    scores = {name: round(x, 4) for name, x in got["test"].items() if isinstance(x, float)}
    return {**scores, "seconds": got["train"]["seconds"]}


def _apart(a: Any, tables: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    """A model for the slots, and one for the intent of the same words as a text."""
    tags = "--task", "token-classification", "--decoder", setting["decoder"], "--seed", seed
    slots = _fit(tables, "", setting, *tags)
    intents = _fit(tables, "-texts", setting, "--label", "intent", "--seed", seed)
    gold = _read(tables / "test.jsonl")
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
    return [row["prediction"] for row in _read(answers)]


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
    return run_json([
        a.peer_python, str(HERE / "peers" / "frames_trainer.py"),
        str(tables / "train.jsonl"), str(tables / "test.jsonl"),
        "--model", starter_folder(setting["model"]), "--epochs", str(setting["epochs"]),
        "--learning-rate", str(setting["learning_rate"]), "--seed", seed,
    ])  # fmt: skip
