"""The preflight finds what is planted, and says nothing where nothing is wrong."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from label_records import read, reader

from glossator.errors import ModelFolderError, TableError
from glossator.models.starter import locate
from glossator.text import token_lengths
from glossator.text.columns import is_blank
from glossator.text.findings import excerpt
from glossator.text.preflight import Preflight
from glossator.text.preflight import preflight as preflight_of
from glossator.text.records import Read, Record
from glossator.text.tables import Rejection, Row
from glossator.text.tokenizer import Tokenizer


def part(*pairs: tuple[str, str], file: str = "a.csv") -> list[Read]:
    return [read(*pair, line, file) for line, pair in enumerate(pairs, start=2)]


def preflight(*parts, **options) -> Preflight:
    """With the look of text classification at the rows."""
    return preflight_of(*parts, examiner=reader().examiner(), **options)


def clean(count: int = 20, tag: str = "") -> list[tuple[str, str]]:
    return [(f"text {tag}{i}", "ab"[i % 2]) for i in range(count)]


def kinds(result: Preflight) -> list[str]:
    return [finding.kind for finding in result.findings]


def found(result: Preflight, kind: str):
    (finding,) = [finding for finding in result.findings if finding.kind == kind]
    assert finding.to_json()["message"] == finding.message
    return finding


def test_a_clean_table_gets_counts_and_nothing_else():
    result = preflight(part(*clean()), part(*clean(4, "dev")), part(*clean(4, "test")))
    assert kinds(result) == ["rows", "rows", "rows", "classes"]
    assert all(finding.severity == "info" for finding in result.findings)
    assert result.findings[0].message == "train: 20 rows read, 20 used, 0 rejected"
    assert result.rejections == ()
    result.raise_for_errors()
    message = "2 classes; the largest is 'a' with 10 rows, the smallest 'b' with 10"
    assert result.findings[-1].message == message


def test_empty_texts_and_labels_are_rejected_and_read_is_used_plus_rejected():
    rows = part(*clean(), ("", "a"), (" \t\u200b\u3000\n", "a"), ("fine", "  "))
    bad = Rejection("a.csv", 99, "ragged", "expected 2 fields, got 3")
    result = preflight([*rows, bad])
    counts = result.rows["train"]
    assert (counts.read, counts.used, counts.rejected) == (24, 20, 4)
    assert [(r.kind, r.line) for r in result.rejections] == [
        ("empty_text", 22),
        ("empty_text", 23),
        ("empty_label", 24),
        ("ragged", 99),
    ]
    finding = found(result, "empty_text")
    assert finding.message == "2 rows with an empty text: rejected"
    assert finding.examples == ("a.csv:22: the text is empty", "a.csv:23: the text is empty")
    assert [item for item in rows if isinstance(item, Record)] == rows[:20]


def test_duplicates_and_two_answers():
    rows = part(*clean(), ("text 0", "a"), ("text 1", "a"), ("text 1", "a"), ("text 0", "a"))
    result = preflight(rows)
    finding = found(result, "duplicates")
    assert finding.count == 2
    assert finding.message.endswith("of an earlier row: kept")
    assert finding.examples[0] == "a.csv:22 as a.csv:2: 'text 0'"
    finding = found(result, "two_answers")
    assert finding.count == 1
    assert finding.examples == ("'text 1' is 'b' in a.csv:3 and 'a' in a.csv:23",)
    assert result.rows["train"].used == 24


def test_the_same_text_in_two_parts_is_a_leak():
    dev = part(*clean(4, "dev"), ("text 3", "b"), file="dev.csv")
    test = part(*clean(4, "test"), ("text 3", "a"), ("text dev0", "a"), file="test.csv")
    result = preflight(part(*clean()), dev, test)
    leaks = [finding for finding in result.findings if finding.kind == "leak"]
    assert [leak.count for leak in leaks] == [1, 1, 2]
    assert leaks[0].message.startswith("dev: 1 row of 5 with a text that is also in train")
    assert leaks[0].examples == ("dev.csv:6 as a.csv:5: 'text 3'",)


def test_a_label_that_training_lacks():
    result = preflight(part(*clean()), test=part(("x", "c"), ("y", "c"), ("z", "a")))
    finding = found(result, "unknown_label")
    assert finding.count == 2
    assert finding.severity == "warning"
    assert finding.message.endswith("counted as wrong; 'c' (2)")


def test_few_rows_and_labels_that_are_alike():
    rows = part(*clean(), ("p", "A "), ("q", "Ａ"), ("r", "c"))
    result = preflight(rows)
    assert "'A ' (1), 'Ａ' (1), 'c' (1)" in found(result, "few_rows").message
    finding = found(result, "label_variants")
    assert finding.examples == ("'a' (10), 'A ' (1), 'Ａ' (1)",)


def test_too_many_classes_look_like_the_wrong_column():
    result = preflight(part(*[(f"text {i}", f"id {i}") for i in range(30)]))
    assert "is this the column" in found(result, "many_classes").message
    assert "few_rows" not in kinds(result)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "no row can be used"),
        ([("", "a")], "no row can be used"),
        ([("x", "a")], "only one row can be used"),
        ([("x", "a"), ("y", "a")], "every row has the label 'a'"),
    ],
)
def test_what_nothing_can_be_learned_from_is_an_error(pairs, message):
    with pytest.raises(TableError, match=message):
        preflight(part(*pairs)).raise_for_errors()


def test_an_empty_dev_part_is_an_error():
    with pytest.raises(TableError, match="dev: no row"):
        preflight(part(*clean()), part(("", "a"))).raise_for_errors()


class Words:
    """A tokenizer of words; each is number 1."""

    unknown_id = 0

    def __init__(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(len(texts))
        return [np.ones(len(text.split()), np.int32) for text in texts]


def starter_tokenizer(name):
    try:
        return Tokenizer.load(locate(name))
    except ModelFolderError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def minilm_tokenizer():
    return starter_tokenizer("minilm")


@pytest.fixture(scope="module")
def multilingual_tokenizer():
    return starter_tokenizer("multilingual")


def test_token_lengths_and_windows():
    rows = part(*[("w " * length, "ab"[length % 2]) for length in range(1, 301)], ("", "a"))
    words = Words()
    result = preflight(rows, tokenizer=words, limit=280)
    expected = "tokens a text: median 150, 95th percentile 285, longest 300"
    assert found(result, "token_lengths").message == expected
    assert found(result, "windows").count == 20
    assert sum(words.calls) == 300
    assert "windows" not in kinds(preflight(rows, tokenizer=words, limit=300))
    one = preflight(part(("a b", "x")), tokenizer=words)
    assert "median 2, 95th percentile 2, longest 2" in found(one, "token_lengths").message


@pytest.mark.parametrize("rows", [100, 1_000, 5_000])
def test_of_very_many_texts_some_are_counted_spread_evenly(monkeypatch, rows):
    monkeypatch.setattr(token_lengths, "_KEPT", 512)
    words = Words()
    table = part(*[("w " * (1 + i % 97), f"t{i}") for i in range(rows)])
    message = found(preflight(table, tokenizer=words), "token_lengths").message
    counted = sum(words.calls)
    if rows < 512:
        assert (counted, "spread" in message) == (rows, False)
        return
    # Each thinning lets in as many rows again as it leaves.
    assert counted < min(rows + 1, 512 * 6)
    assert f" of {rows:,} texts, spread evenly" in message
    median = int(message.split("median ")[1].split(",")[0])
    assert median == pytest.approx(49, abs=6)
    # Where a window has an end every text is counted: each that needs several is told.
    whole = Words()
    limited = preflight(table, tokenizer=whole, limit=90)
    assert sum(whole.calls) == rows
    assert found(limited, "windows").count == sum(1 + i % 97 > 90 for i in range(rows))


LANGUAGES = {
    "english": ("where is my card? it has not arrived yet", False),
    "numbers": ("4711 0815 12.5 %", False),
    "chinese": ("我的银行卡还没有收到", True),
    "russian": ("где моя карта она ещё не пришла", True),
    "hindi": ("मेरा कार्ड कहाँ है", True),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_that_the_model_does_not_know_are_a_warning(language, minilm_tokenizer):
    text, unread = LANGUAGES[language]
    result = preflight(part((text, "a"), (f"{text} 2", "b")), tokenizer=minilm_tokenizer)
    assert ("unread" in kinds(result)) == unread
    if unread:
        assert found(result, "unread").severity == "warning"
        assert "--model multilingual" in found(result, "unread").message


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_multilingual_model_knows_them(language, multilingual_tokenizer):
    text, _ = LANGUAGES[language]
    result = preflight(part((text, "a"), (f"{text} 2", "b")), tokenizer=multilingual_tokenizer)
    assert "unread" not in kinds(result)


def test_texts_in_single_bytes_are_a_warning_too():
    class Bytes:
        unknown_id = None

        def encode(self, texts):
            return [np.frombuffer(text.encode(), np.uint8).astype(np.int32) for text in texts]

    chinese = part(("我的银行卡还没有收到", "a"), ("卡", "b"))
    assert "unread" in kinds(preflight(chinese, tokenizer=Bytes()))


def test_wrong_decoding_and_notes():
    result = preflight(part(*clean(), ("caf\ufffd", "a")), notes=["a.csv: read as UTF-16"])
    assert found(result, "replacement_character").count == 1
    assert found(result, "note").message == "a.csv: read as UTF-16"


def test_a_table_without_labels():
    texts = [*(text for text, _ in clean()), "text 1"]
    rows = (Row("a.csv", line, {"text": text}) for line, text in enumerate(texts, start=2))
    result = preflight_of(reader().read(row, targets=False) for row in rows)
    assert kinds(result) == ["rows", "duplicates"]
    assert result.rows["train"].used == 21


def test_a_stream_is_gone_through_once_and_texts_are_not_kept():
    texts = (f"{i} " + "x" * 10_000 for i in range(3_000))
    rows = (Record(Row("a.csv", i, {}), x, "ab"[i % 2], (x,)) for i, x in enumerate(texts))
    tracemalloc.start()
    result = preflight(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.rows["train"].used == 3_000
    assert peak < 3 * 2**20


def test_excerpts_are_safe_to_print():
    assert excerpt("a\x1b[31m\nb") == "'a\ufffd[31m b'"
    assert excerpt("word " * 50) == "'" + ("word " * 12) + "...'"
    assert len(excerpt("x" * 10_000_000)) == 65


def test_blank():
    assert is_blank("\ufeff\u200d \x00")
    assert not is_blank(" \u200b你")
    assert not is_blank("\U0001fae9")
