"""`tokenizer`, `pretrain` and `predict` of gaps, called as a user calls them."""

from __future__ import annotations

import json

import pytest

SHORT = ("--max-steps", 4, "--length", 48, "--batch-size", 8, "--boilerplate", 0)


@pytest.fixture
def pretrained(run, here, corpus_file, tokenizer_folder):
    start = ("--tokenizer", tokenizer_folder, "--size", "tiny", "--dev-fraction", 0.1)
    outcome = run("pretrain", corpus_file, *start, *SHORT, "--output", "bert", "--json")
    assert outcome.code == 0, outcome.err
    return outcome


def test_a_model_from_raw_text_fills_gaps(run, here, pretrained):
    assert pretrained.json["train"]["steps"] == 4
    assert "baseline" in pretrained.json["dev"]
    (here / "gaps.txt").write_text("the film was [MASK] .\nno gap here\n", encoding="utf-8")
    outcome = run("predict", "bert", "gaps.txt", "--top-k", 2)
    assert outcome.code == 0, outcome.err
    first, second = (json.loads(line) for line in outcome.out.splitlines())
    (mask,) = first["prediction"]["masks"]
    assert [set(one) for one in mask] == [{"token", "score"}] * 2
    assert second["prediction"] is None
    assert "[MASK]" in second["error"]["message"]


def test_a_gap_model_is_inspected_and_not_evaluated(run, here, pretrained):
    outcome = run("inspect", "bert")
    assert outcome.code == 0, outcome.err
    assert "fill-mask" in outcome.out
    assert "says which tokens may stand for each [MASK]" in outcome.out
    outcome = run("evaluate", "bert", "tickets.csv", "--text", "message", "--label", "intent")
    assert outcome.code == 2
    assert "fill-mask reads no column --label; it reads: --text" in outcome.error
    outcome = run("evaluate", "bert", "tickets.csv", "--text", "message")
    assert outcome.code == 2
    assert "fill-mask has no right answers that a table could hold" in outcome.error


def test_a_model_that_judges_pairs_fills_gaps_too(run, here, corpus_file, tokenizer_folder):
    start = ("--tokenizer", tokenizer_folder, "--size", "tiny", "--dev-fraction", 0.1)
    words = ("pretrain", corpus_file, *start, *SHORT, "--objective", "nsp", "--output", "b")
    outcome = run(*words, "--evaluation-steps", 1)
    assert outcome.code == 0, outcome.err
    assert "of pairs judged right" in outcome.err
    points = [line for line in outcome.err.splitlines() if line.endswith("#####")]
    assert len(points) == 4, "the held-out loss over tokens and time"
    (here / "gaps.txt").write_text("the film was [MASK] .\n", encoding="utf-8")
    outcome = run("predict", "b", "gaps.txt", "--top-k", 1)
    assert len(json.loads(outcome.out)["prediction"]["masks"]) == 1
    card = (here / "b" / "README.md").read_text(encoding="utf-8")
    assert "with the objective nsp" in card
    assert "| accuracy |" in card


def test_a_decoder_goes_on_with_texts(run, here, corpus_file, tokenizer_folder):
    start = ("--tokenizer", tokenizer_folder, "--size", "tiny", "--family", "gpt2")
    words = ("pretrain", corpus_file, *start, "--objective", "clm", *SHORT, "--output", "gpt")
    outcome = run(*words, "--dev-fraction", 0.1)
    assert outcome.code == 0, outcome.err
    assert "bits a byte" in outcome.err
    (here / "begun.txt").write_text("the film\n\nour team won\n", encoding="utf-8")
    drawn = ("--max-new-tokens", 5, "--temperature", 1, "--top-p", 0.9, "--top-k", 4)
    outcome = run("predict", "gpt", "begun.txt", *drawn)
    assert outcome.code == 0, outcome.err
    first, blank, last = (json.loads(line) for line in outcome.out.splitlines())
    assert set(first["prediction"]) == {"text", "finish_reason", "n_tokens", "windows"}
    # Of nothing a decoder makes a document from its beginning.
    assert blank["prediction"]["text"]
    assert last["prediction"]["n_tokens"] == 3
    assert "gpt: Goes on with a text." in run("inspect", "gpt").out
    outcome = run("predict", "gpt", "begun.txt", "--beams", 2, "--temperature", 1)
    assert outcome.code == 2
    assert "one of the two" in outcome.error
    columns = ("--text", "message", "--label", "intent")
    for other in (("fit", "tickets.csv", *columns), ("pretrain", corpus_file)):
        outcome = run(*other, "--model", "gpt", "--output", "m")
        assert outcome.code == 2
        assert "gpt2 is a decoder" in outcome.error


def test_a_finished_run_has_nothing_to_go_on_with(
    run, here, pretrained, corpus_file, tokenizer_folder
):
    start = ("--tokenizer", tokenizer_folder, "--size", "tiny", "--dev-fraction", 0.1)
    words = ("pretrain", corpus_file, *start, *SHORT, "--output", "bert")
    outcome = run(*words, "--resume")
    assert outcome.code == 0, outcome.err
    assert "nothing to go on with" in outcome.err
    assert run(*words).code == 2
    other = run(*words, "--mask-rate", 0.3, "--resume")
    assert other.code == 2
    assert "mask-rate was 0.15, is 0.3" in other.error


def test_a_tokenizer_of_ones_own(run, here, corpus_file):
    words = ("tokenizer", corpus_file, "--output", "tok")
    outcome = run(*words, "--vocab-size", 5000)
    assert outcome.code == 2
    assert "support a vocabulary of" in outcome.error
    assert not (here / "tok").exists()
    (here / "more.txt").write_text(
        "\n\n".join(f"word{i * 7919} again word{i * 7919}" for i in range(900)), encoding="utf-8"
    )
    outcome = run(*words[:1], "more.txt", *words[2:], "--vocab-size", 300, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["vocab_size"] == 300
    assert (here / "tok" / "tokenizer_config.json").exists()
    assert run(*words[:1], "more.txt", *words[2:], "--vocab-size", 300).code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pretrain", "none.txt", "--output", "m", "--tokenizer", "tiny"), "there is no such file"),
        (("pretrain", "tickets.csv", "--output", "m"), "--tokenizer FOLDER begins a new model"),
        (("pretrain", "bin", "--output", "m", "--tokenizer", "tiny"), "bin"),
        (
            ("pretrain", "tickets.csv", "--output", "m", "--tokenizer", "nowhere"),
            "there is no folder",
        ),
        (("tokenizer", "empty"), "the file is empty"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(run, here, words, message):
    (here / "bin").write_bytes(bytes(range(256)) * 10)
    (here / "empty").write_bytes(b"")
    before = sorted(path.name for path in here.iterdir())
    outcome = run(*words)
    assert outcome.code == 2
    assert message in outcome.error
    assert sorted(path.name for path in here.iterdir()) == before
