"""Personal data hidden: what is found, what is left, and that nothing else of a text changes."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from personal_data import CLEAN, HELD_OUT, SEEN, STRUCTURED, Sentence, sentences, tallied

from glossator.text.checksums import IBAN_LENGTHS, is_chinese_identity, is_iban, is_luhn
from glossator.text.masking import KINDS, hidden, mask
from glossator.text.tagging import Span


@pytest.mark.parametrize("templates", [SEEN, HELD_OUT], ids=["seen", "held-out"])
def test_structured_data_is_found_in_sentences_that_the_finders_were_not_made_for(templates):
    cases = [*sentences(templates, 200, seed=3), *(Sentence(text) for text in CLEAN)]
    tallies, missed = tallied(lambda text: mask(text).found, cases)
    assert set(STRUCTURED) <= set(tallies)
    assert {kind: x.recall for kind, x in tallies.items() if x.recall < 0.99} == {}, missed
    assert all(tallies[kind].f2 >= 0.98 for kind in STRUCTURED)


def test_a_finder_that_misses_is_caught():
    """The control: a mask that hides only the first of each text, and one that hides words."""
    cases = list(sentences(SEEN, 100, seed=3))
    first, missed = tallied(lambda text: mask(text).found[:1], cases)
    assert missed
    assert all(x.recall < 0.99 for x in first.values())
    wrong, _ = tallied(lambda text: [Span(0, 3, "PHONE")], [Sentence(text) for text in CLEAN])
    assert wrong["PHONE"].wrong == len(CLEAN)


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_nobodys_stays(text):
    assert mask(text).text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("邮箱是zhang@qq.com谢谢", "邮箱是[EMAIL]谢谢"),
        ("write to Ünal.Öz@exámple.com.", "write to [EMAIL]."),
        ('"john doe"@example.org', "[EMAIL]"),
        ("bob [at] example [dot] org", "[EMAIL]"),
        ("a@b", "a@b"),
        ("4111 1111 1111 1111 123", "[CARD] 123"),
        ("4111-1111-1111-1112", "4111-1111-1111-1112"),
        ("GB82WEST12345698765432.", "[IBAN]."),
        ("de89 3704 0044 0532 0130 00 und", "[IBAN] und"),
        ("DE89 3704 0044 0532 0130 05", "DE89 3704 0044 0532 0130 05"),
        ("身份证号码11010519491231002X，手机13800138000。", "身份证号码[IDENTITY]，手机[PHONE]。"),
        ("from ::1 or 10.0.0.1:8080 at 12:30:45", "from [IP] or [IP]:8080 at 12:30:45"),
        ("1.2.3.4.5 and 300.1.1.1", "1.2.3.4.5 and 300.1.1.1"),
        ("my number is 5551234", "my number is [PHONE]"),
        ("it took 5551234 steps", "it took 5551234 steps"),
        (
            "He is at 12 Old Mill Road, Apt. 4, Springfield, IL 62704 now",
            "He is at [ADDRESS] now",
        ),
        ("in der Lindenstraße 12a, 10969 Berlin.", "in [ADDRESS]."),
        ("8 bis rue de la Paix, 75002 Paris", "[ADDRESS]"),
        ("P.O. Box 1234", "[ADDRESS]"),
        ("vive en Calle Mayor 14, 28013 Madrid.", "vive en [ADDRESS]."),
        ("Via Roma, 5 e Plaza de la Villa  3", "[ADDRESS] e [ADDRESS]"),
        ("Rua do Poeta J. M. Silva n.º 7", "[ADDRESS]"),
        ("我住在北京市朝阳区建国路88号3栋502室。", "我住在[ADDRESS]。"),
    ],
)
def test_what_is_hidden(text, expected):
    assert mask(text).text == expected


def test_names_are_hidden_where_something_finds_them():
    def names(text):
        yield text.index("Anna"), text.index("Anna") + 4

    assert mask("Anna, anna@example.org", names).text == "[NAME], [EMAIL]"
    assert mask("Anna", None).text == "Anna"
    # A name within an address of mail: one placeholder, of what is told for certain.
    assert mask("to Anna@example.org", names).text == "to [EMAIL]"


@pytest.mark.parametrize(
    "piece",
    [
        "4" * 55 + "a ",
        "4" * 55 + ".1,",
        "(4) " * 8 + "4a ",
        "44-" * 18 + "4a ",
        "Plaza " + "A" * 100 + " ",
    ],
    ids=["letter", "decimal", "brackets", "groups", "words"],
)
def test_what_is_long_and_is_none_is_read_in_one_way(piece):
    """Where there are millions of ways to cut it up, this does not end."""
    assert mask(piece * 500).text == piece * 500


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("030 - 123 45 67 or 030/1234567", "[PHONE] or [PHONE]"),
        ("(030) (1234567)", "[PHONE])"),
        ("0301234567890123", "0301234567890123"),
        ("+493012345 (0)6", "[PHONE]"),
        ("ring 123456 7", "ring [PHONE]"),
        ("\uff10\uff13\uff10 1234567", "[PHONE]"),
    ],
)
def test_numbers_are_cut_into_groups(text, expected):
    assert mask(text).text == expected


PIECES = st.sampled_from(
    ["4111 1111 1111 1111", "a@b.example", "+49 30 1234567", "10.0.0.1", " ", "\n", "，", "@", "1"]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=8).map("".join))
def test_any_text_is_masked_and_what_lies_between_stays(text):
    masked = mask(text)
    at, rest = 0, masked.text
    for span in masked.found:
        assert at <= span.start < span.end <= len(text)
        assert span.label in KINDS
        before = text[at : span.start]
        assert rest.startswith(f"{before}[{span.label}]")
        rest, at = rest[len(before) + len(span.label) + 2 :], span.end
    assert rest == text[at:]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 20, "ab [X] cd [Y] ef"), (3, 6, "[X]"), (4, 5, "[X]"), (0, 3, "ab "), (6, 11, " cd [Y]")],
)
def test_a_stretch_of_a_text_is_hidden_as_in_the_whole(start, end, expected):
    spans = (Span(3, 6, "X"), Span(10, 12, "Y"))
    assert hidden("ab 123 cd 45 ef"[start:end], spans, start) == expected


DIGITS = st.text("0123456789", min_size=12, max_size=18)


@given(DIGITS, st.data())
def test_luhn_sees_every_single_digit_that_was_mistyped(body, data):
    number = next(body + last for last in "0123456789" if is_luhn(body + last))
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([x for x in "0123456789" if x != number[place]]))
    assert not is_luhn(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize(
    "account",
    # The examples of the registry of ISO 13616.
    ["GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606",
     "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "CH9300762011623852957"],
)  # fmt: skip
def test_accounts_of_the_registry(account):
    assert is_iban(account)
    assert len(account) == IBAN_LENGTHS[account[:2]]
    swapped = account[:4] + account[5] + account[4] + account[6:]
    assert not is_iban(swapped) or swapped == account
    assert not is_iban(account[:-1])
    assert not is_iban("ZZ" + account[2:])


def test_an_identity_number_has_a_day_of_birth_and_a_check():
    assert is_chinese_identity("11010519491231002X")
    assert is_chinese_identity("11010519491231002x")
    assert not is_chinese_identity("110105194912310021")
    assert not is_chinese_identity("11010519491331002X")
    year = datetime.date.today().year
    assert not is_chinese_identity(f"110105{year}0230002X")
