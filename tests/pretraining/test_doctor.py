"""The doctor says what is wrong once, and nothing of a run that goes well."""

from __future__ import annotations

from glossator.pretraining.doctor import Doctor, corpus_complaints
from glossator.training.events import Evaluated, Stepped


def stepped(step, loss):
    return Stepped(step, 0.1, loss, 1e-3, 1.0, step, step, step)


def heard(losses=(), evaluations=()):
    said: list[str] = []
    doctor = Doctor(6.8, said.append)
    for step, loss in enumerate(losses, start=1):
        doctor.listen(stepped(step, loss))
    for step, loss in evaluations:
        doctor.listen(Evaluated(step, 0.5, {"loss": loss}, True))
    return said


def test_a_run_that_goes_well_is_left_alone():
    losses = [7 - 3 * step / 1000 + (step % 7) * 0.05 for step in range(1000)]
    assert heard(losses, [(200, 6.8), (500, 5.5), (1000, 4.2)]) == []


def test_a_loss_at_the_unigram_level_is_told_once_late_enough():
    (said,) = heard((), [(100, 6.8), (500, 6.79), (1000, 6.78)])
    assert "nothing of the context is learned" in said


def test_a_loss_that_rises_is_told():
    (said,) = heard([6.0] * 100 + [7.5] * 100)
    assert "learning rate" in said
    assert heard([6.0, 7.5] * 200) == [], "batches differ"


def test_a_loss_above_where_it_began_is_told():
    (said,) = heard([6.8] * 10 + [9.0] * 60)
    assert "the loss has risen from 6.80" in said


def statistics(**changes):
    repeats = {"share": changes.pop("share", 0.1), "examples": [{"line": "'a b'", "times": 1200}]}
    tokens = {
        "tokens_per_word": 1.3,
        "tokens_per_byte": 0.23,
        "unknown_share": 0.0,
        "vocabulary": 1000,
        "unused": 10,
    }
    steps = [{"step": "near duplicates", "documents": changes.pop("gone", 0)}]
    tokens |= changes
    return {"read": {"documents": 100}, "steps": steps, "tokens": tokens, "repeats": repeats}


def test_a_corpus_of_an_earlier_version_is_looked_at():
    old = statistics(unused=900)
    del old["repeats"], old["tokens"]["tokens_per_byte"]
    (said,) = corpus_complaints(old)
    assert "900 of 1,000" in said


def test_a_corpus_that_fits_its_vocabulary_is_left_alone():
    assert list(corpus_complaints(statistics())) == []


def test_what_is_wrong_with_a_corpus_is_told():
    for change, word in (
        ({"tokens_per_byte": 0.8, "tokens_per_word": 4.0}, "pieces of 1.2 bytes (4.0 a word)"),
        ({"share": 0.4}, "40% of the lines stood there before, such as 'a b' (1,200 times)"),
        ({"unknown_share": 0.2}, "20.0%"),
        ({"unused": 900}, "900 of 1,000"),
        ({"gone": 60}, "60%"),
    ):
        (said,) = corpus_complaints(statistics(**change))
        assert word in said
