"""Each step removes what it says, and nothing else."""

from __future__ import annotations

import pytest

from glossator.errors import ConfigError, TableError
from glossator.pretraining.corpus import cleaning
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.duplicates import ExactDuplicates, NearDuplicates
from glossator.pretraining.corpus.repeats import RepeatedLines
from glossator.pretraining.corpus.statistics import Removals

LONG = tuple(f"sentence {i} says this about the {i * 7} days of year {i * i}" for i in range(30))
CHINESE = ("今天的天气很好我们一起去公园散步看到了许多漂亮的花还有小鸟在树上唱歌大家都很开心",)


def test_forms_controls_and_spaces():
    assert cleaning.UnicodeForm("nfc")(("e\u0301",)) == ("\u00e9",)
    assert cleaning.UnicodeForm("nfkc")(("ＡＢ",)) == ("AB",)
    assert cleaning.ControlCharacters()(("a\u200bb\x07c\td\u200dé",)) == ("abc\td\u200dé",)
    assert cleaning.Whitespace()(("  a \u3000 b\t", " \t ")) == ("a b",)


def test_boilerplate_goes_once_many_documents_had_it():
    step = cleaning.Boilerplate(2)
    got = [
        step((f"text {i}", "Copyright 2026 by the company", "Copyright 2026 by the company"))
        for i in range(4)
    ]
    assert [len(sentences) for sentences in got] == [3, 3, 1, 1]
    assert [len(step((f"text {i}", "EXEUNT"))) for i in range(4)] == [2] * 4, "too short to tell"
    assert step(("Copyright 2026 by the company",)) == ("Copyright 2026 by the company",), (
        "the whole document is no boilerplate"
    )


def test_repetition_goes_and_ordinary_text_stays():
    step = cleaning.Repetition(0.1)
    assert step(("buy now " * 200,)) == ()
    assert step(LONG) is LONG
    assert step(CHINESE * 3) == CHINESE * 3, "too short to tell"


def test_length_and_stop_words(tmp_path):
    assert cleaning.Length(5)(("ab", "cd")) == ()
    assert cleaning.StopWords(["the", "OF"])(("The end of it", "the")) == ("end it",)
    chinese = cleaning.StopWords(["的", "我们", "the"])
    assert chinese(("我们在the北京的银行 工作", "的")) == ("在北京银行 工作",)
    (tmp_path / "stop.txt").write_text("end\nit\n", encoding="utf-8")
    steps = cleaning.cleaners(CorpusConfig(stop_words=str(tmp_path / "stop.txt")))
    assert "stop words" in [step.name for step in steps]
    with pytest.raises(TableError, match=r"stop words cannot be read: No such file or directory$"):
        cleaning.cleaners(CorpusConfig(stop_words=str(tmp_path / "none.txt")))
    (tmp_path / "stop.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(TableError, match="stop words are not UTF-8"):
        cleaning.cleaners(CorpusConfig(stop_words=str(tmp_path / "stop.txt")))


def test_equal_documents_go_whatever_their_case_and_spaces():
    step = ExactDuplicates()
    assert step(("A b", "c")) == ("A b", "c")
    assert step(("a  B c",)) == ()
    assert step(("a b c d",)) != ()


@pytest.mark.parametrize("text", [LONG, CHINESE * 1])
def test_near_documents_go_and_others_stay(text):
    step = NearDuplicates(0.6)
    assert step(text) == text
    near = (*text[:-1], text[-1] + " x")
    assert step(near) == ()
    assert step(("something else entirely that was never said before by anyone",)) != ()
    assert (
        step(tuple(reversed(text[: len(text) // 2])) or ("全然不同的一句话和前面没有关系",)) != ()
    )


def test_removals_are_counted_with_examples():
    step = Removals(cleaning.Length(3))
    assert step(("abc",)) == ("abc",)
    assert step(("x",)) == ()
    assert step.to_json() == {
        "step": "too short",
        "documents": 1,
        "characters": 1,
        "examples": ["'x'"],
    }


def test_options_out_of_range_are_refused():
    for options in ({"near": 0.1}, {"dev_fraction": 0.0}, {"min_distinct": 2.0}):
        with pytest.raises(ConfigError, match="must be from"):
            CorpusConfig(**options)


def test_lines_that_stand_there_again_are_counted():
    repeats = RepeatedLines()
    for number in range(10):
        repeats.add(("this line stands in all of them", f"and this one is number {number}", "hi"))
    assert repeats.to_json() == {
        "share": 0.45,
        "examples": [{"line": "'this line stands in all of them'", "times": 10}],
    }
    assert RepeatedLines().to_json() == {"share": 0.0, "examples": []}


def test_of_many_lines_a_sample_is_counted(monkeypatch):
    monkeypatch.setattr("glossator.pretraining.corpus.repeats._MOST", 500)
    repeats = RepeatedLines()
    for number in range(8000):
        repeats.add((f"a line that stands there twice {number // 2}",))
        repeats.add((f"a line that stands there once only {number}",))
    assert len(repeats._counts) <= 500
    assert repeats.to_json()["share"] == pytest.approx(0.25, abs=0.05)
    assert all(example["times"] == 2 for example in repeats.to_json()["examples"])


def test_a_form_that_is_longer_removes_nothing():
    step = Removals(cleaning.UnicodeForm("nfkc"))
    assert step(("\u2026 and so on",)) == ("... and so on",)
    assert (step.to_json()["characters"], step.to_json()["examples"]) == (0, [])
