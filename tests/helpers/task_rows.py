"""Rows of every task that a table teaches, and how each is learned in the contract suite."""

from __future__ import annotations

import random
from typing import Any

NAMES = {"PER": ["ann lee", "karl braun"], "LOC": ["berlin", "new york", "osaka"]}


def labels(several=False, pair=False):
    draw = random.Random(3)
    rows = []
    for number in range(48):
        count = draw.randint(0, 2) if several else 1
        found = sorted(draw.sample(["card", "film", "market"], count))
        words = [*found * 2, *draw.choices(["the", "was", "week", "and"], k=draw.randint(1, 20))]
        draw.shuffle(words)
        row: dict[str, Any] = {"text": " ".join(words) + f" {number % 7}"}
        row["label"] = found if several else found[0]
        if pair:
            row |= {"text_pair": draw.choice(["card", "film", "market"])}
            row["label"] = "yes" if row["text_pair"] == found[0] else "no"
        rows.append(row)
    return rows


def numbers(pair=False):
    rows = labels(pair=pair)
    for row in rows:
        row["label"] = str(100 + 5 * row["text"].count("card") - 3 * row["text"].count("film"))
    return rows


def entities(by_place=False):
    draw = random.Random(4)
    rows = []
    for _ in range(48):
        parts: list[tuple[str, str]] = []
        for _ in range(draw.randint(1, 5)):
            kind = draw.choice(["PER", "LOC", "", ""])
            parts.append((draw.choice(NAMES.get(kind, ["met", "in", "and"])), kind))
        tokens, tags, spans, start = [], [], [], 0
        for text, kind in parts:
            words = text.split()
            tokens += words
            tags += [f"{'I' if i else 'B'}-{kind}" if kind else "O" for i in range(len(words))]
            if kind:
                spans.append({"start": start, "end": start + len(text), "label": kind})
            start += len(text) + 1
        given = {"text": " ".join(tokens), "entities": spans}
        rows.append(given if by_place else {"tokens": tokens, "tags": tags})
    return rows


def twins(graded=False):
    """Texts that belong together; beside each one that is like them and does not."""
    rows = []
    for number, row in enumerate(labels()):
        found = next(x for x in ("card", "film", "market") if x in row["text"])
        other = {"card": "team", "film": "match", "market": "bank"}[found]
        wrong = "bank" if other == "team" else "team"
        text = f"{other} {number} " + "week league " * (number % 5) * 3
        if graded:
            rows.append({"text": row["text"], "text_pair": text, "label": 5})
            rows.append({"text": row["text"], "text_pair": f"{wrong} {number}", "label": "1.5"})
        else:
            rows.append({"text": row["text"], "text_pair": text, "negative": f"{wrong} {number}"})
    return rows[:48]


def judged():
    """Queries with candidates of three grades; some are long."""
    rows = []
    for number in range(16):
        query = ("card", "film", "market")[number % 3]
        others = [x for x in ("card", "film", "market") if x != query]
        texts = [f"the {query} {query}", f"{query} and {others[0]}", f"the {others[1]}"]
        for grade, text in zip((2, 1, 0), texts, strict=True):
            text += " week league the was in" * 4 * (number % 5 == 0)
            rows.append({"text": f"{query} {number}", "text_pair": text, "label": grade})
    return rows


def with_strangers():
    rows = labels()
    for number, row in enumerate(rows):
        if number % 6 == 0:
            row |= {"text": f"you they she he {number % 5}", "label": "oos"}
    return rows


def questions(unanswerable=False):
    draw = random.Random(5)
    rows = []
    for number in range(48):
        colours = draw.sample(["card", "film", "market", "team", "bank"], 3)
        places = draw.sample(["week", "match", "league"], 3)
        words = [f"the {a} was in the {b} ." for a, b in zip(colours, places, strict=True)]
        if number % 8 == 0:
            words += ["how slow and boring that was"] * 3
        context = " ".join(words) + f" {number}"
        row = {"question": f"where is the {colours[0]} ?", "context": context}
        row["answers"] = [{"text": places[0], "start": context.index(places[0])}]
        if unanswerable and number % 3 == 0:
            row |= {"question": "where is the money ?", "answers": []}
        rows.append(row)
    return rows


def choices(long=False):
    draw = random.Random(5)
    words = ["card", "film", "market", "team", "bank"]
    rows = []
    for number in range(48):
        found = draw.sample(words, draw.randint(2, 4))
        index = draw.randrange(len(found))
        asked = f"{found[index]} {found[index]} the week {number}"
        if long:
            found = [f"{x} and {' '.join([x] * draw.randint(0, 30))}" for x in found]
        rows.append({"question": asked, "choices": found, "answer": index})
    return rows


def frames(by_place=False):
    """Rows of entities whose intent is the first label, or that there is none."""
    rows = entities(by_place)
    for row in rows:
        found = row["entities"] if by_place else row["tags"]
        first = next((x["label"] if by_place else x[2:] for x in found if x != "O"), "chat")
        row["intent"] = {"PER": "call", "LOC": "travel"}.get(first, first)
    return rows


def relations(marked=False, long=False):
    draw = random.Random(6)
    words = {
        "in": "the {} was in the {}",
        "lost": "the {} lost the {}",
        "Other": "the {} and the {}",
    }
    rows = []
    for number in range(48):
        head, tail = draw.sample(["card", "film", "market", "team", "bank"], 2)
        relation = draw.choice(sorted(words))
        pair = (f"<e1>{head}</e1>", f"<e2>{tail}</e2>") if marked else (head, tail)
        around = [" ".join(draw.choices(["week", "match", "top"], k=30 * long)) for _ in range(2)]
        text = f"{around[0]} {words[relation].format(*pair)} {around[1]} {number % 7}"
        places = {
            "head": head,
            "tail": {"start": text.index(tail), "end": text.index(tail) + len(tail)},
        }
        rows.append({"text": text, **({} if marked else places), "relation": relation})
    return rows


def tasks(*members):
    """Rows of several tasks, each by its number and name, some of it mixed up."""
    rows = [
        {"task": f"task-{number}", **row}
        for number, member in enumerate(members)
        for row in member[: len(member) - 12 * number]
    ]
    random.Random(6).shuffle(rows)
    return rows


TOKENS = "token-classification"
MEMBERS: dict[str, dict[str, Any]] = {
    "one label": {"rows": labels()},
    "pairs": {"rows": labels(pair=True)},
    "several labels": {"rows": labels(several=True)},
    "weighted labels": {"rows": labels(several=True), "options": {"class_weights": "auto"}},
    "sets": {"rows": labels(), "options": {"coverage": 0.5}},
    "out of scope": {
        "rows": with_strangers(),
        "options": {"out_of_scope": "mahalanobis", "out_of_scope_label": "oos"},
    },
    "out of scope, unlabelled": {"rows": labels(), "options": {"out_of_scope": "auto"}},
    "a number": {"rows": numbers(), "task": "text-regression"},
    "a number, huber": {
        "rows": numbers(pair=True), "task": "text-regression",
        "options": {"regression_loss": "huber"},
    },
    "choices": {"rows": choices(), "task": "multiple-choice"},
    "long choices": {"rows": choices(long=True), "task": "multiple-choice"},
    "tags": {"rows": entities()},
    "BIOES": {"rows": entities(by_place=True), "options": {"scheme": "BIOES"}},
    "smoothed IO": {"rows": entities(), "options": {"scheme": "IO", "label_smoothing": 0.1}},
    "crf": {"rows": entities(), "options": {"decoder": "crf"}},
    "spans": {"rows": entities(by_place=True), "options": {"decoder": "spans"}},
    "frames": {"rows": frames(), "task": "intent-slots", "elsewhere": TOKENS},
    "frames by place": {
        "rows": frames(by_place=True), "task": "intent-slots", "elsewhere": TOKENS,
        "options": {"scheme": "BIOES", "intent_weight": 0.5},
    },
    "frames, crf": {
        "rows": frames(), "task": "intent-slots", "elsewhere": TOKENS,
        "options": {"decoder": "crf"},
    },
    "relations": {"rows": relations()},
    "relations far into texts, weighted": {
        "rows": relations(long=True), "options": {"class_weights": "auto", "label_smoothing": 0.1},
    },
    "marked relations": {"rows": relations(marked=True), "options": {"no_relation": "lost"}},
    "questions": {"rows": questions(), "options": {"stride": 4}},
    "questions without answers": {"rows": questions(unanswerable=True)},
    "vectors of pairs": {
        "rows": twins(), "task": "feature-extraction",
        "options": {"prefix": "the ", "pooling": "cls", "normalize": False},
    },
    "vectors of grades": {"rows": twins(graded=True), "task": "feature-extraction"},
    "vectors of labels": {"rows": labels(), "task": "feature-extraction"},
    "vectors of texts": {
        "rows": [{"text": row["text"]} for row in labels()], "task": "feature-extraction",
        "options": {"pooling": "last"},
    },
    "ranked": {
        "rows": judged(), "task": "text-ranking",
        "elsewhere": "text-regression", "joins_windows_otherwise": True,
    },
    "ranked by pairs": {
        "rows": judged(), "task": "text-ranking", "options": {"ranking_loss": "pairwise"},
        "elsewhere": "text-regression", "joins_windows_otherwise": True,
    },
    "several tasks": {
        "rows": tasks(labels(), labels(several=True), numbers()), "task": "multi-task",
        "options": {"members": '{"task-2": {"task": "text-regression"}}'},
    },
    "tasks of all kinds": {
        "rows": tasks(labels(pair=True), entities(), questions()), "task": "multi-task",
        "options": {"temperature": 3.0, "members": '{"task-1": {"decoder": "crf"}}'},
    },
    "tasks of rows of examples": {
        "rows": tasks(choices(), entities(by_place=True)), "task": "multi-task",
        "options": {"temperature": 100.0, "members": '{"task-1": {"decoder": "spans"}}'},
    },
}  # fmt: skip
