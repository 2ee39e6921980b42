"""Stretches of a text that are an address on a network, or a number of a person.

Each finder takes time that grows with the length of the text alone: what repeats is bounded, or
begins where a rare sign stands.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from glossator.text.checksums import IBAN_LENGTHS, is_chinese_identity, is_iban, is_luhn

__all__ = [
    "accounts",
    "cards",
    "identities",
    "internet_addresses",
    "mail_addresses",
    "telephones",
]

# Between the groups of a number stand spaces of several kinds, hyphens, dots, or what is not seen.
_GAP = "[ \u00a0\u2007\u2009\u202f\u200b\u00ad\\-\u2010-\u2013.\u00b7]"

_AT = re.compile(r"[@\uff20]|[ ]?[(\[{][ ]?(?:at|AT|At)[ ]?[)\]}][ ]?")
_BESIDE_HAN = re.compile(
    r"(?<=[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])[A-Za-z][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]*\Z"
)
# Read from the at backwards, where they begin; forwards every start would be tried.
_LOCAL_BACK = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_QUOTED_BACK = re.compile(r'"[^"\n]{1,62}"')
_DOT = r"(?:[.\uff0e\u3002]|[ ]?[(\[{][ ]?(?:dot|DOT|Dot)[ ]?[)\]}][ ]?)"
_HOST = re.compile(
    rf"(?:[A-Za-z0-9-]{{1,63}}{_DOT}){{1,8}}[A-Za-z][A-Za-z0-9-]{{1,62}}(?![A-Za-z0-9\u00c0-\u04ff])"
)
_HOST_ANY = re.compile(rf"(?:[\w-]{{1,63}}{_DOT}){{1,8}}[^\W\d_][\w-]{{1,62}}")
_HOST_NUMBER = re.compile(r"\[[0-9A-Fa-f:.]{3,45}\]")
_LONGEST_LOCAL = 70

_CARD = re.compile(
    r"(?<!\d)(?<!\d[.,])(?=("
    rf"\d{{13,19}}|\d{{4}}(?:{_GAP}?\d{{4}}){{3}}(?:{_GAP}?\d{{1,3}})?"
    rf"|\d{{4}}{_GAP}?\d{{6}}{_GAP}?\d{{4,5}}|\d{{6}}{_GAP}?\d{{10,13}}"
    r")(?!\d))"
)
_CARD_LAST = re.compile(rf"\d{{4}}(?:{_GAP}?\d{{4}}){{3}}(?!\d)")
_IDENTITY = re.compile(
    rf"(?<![0-9A-Za-z])(?=([1-9]\d{{5}}{_GAP}?(?:18|19|20)\d\d{_GAP}?[01]\d{_GAP}?[0-3]\d"
    rf"{_GAP}?\d{{3}}{_GAP}?[\dXx\uff38\uff58])(?![0-9A-Za-z]))"
)
_ACCOUNT = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]{{2}}){_GAP}?\d(?:{_GAP}?)\d(?={_GAP}?[A-Za-z0-9])"
)
_ACCOUNTS = {
    country: re.compile(rf"[A-Za-z0-9](?:{_GAP}?[A-Za-z0-9]){{{length - 1}}}(?![A-Za-z0-9])")
    for country, length in IBAN_LENGTHS.items()
}

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP_4 = re.compile(rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?!\.?\d)(?![A-Za-z_])", re.ASCII)
_IP_6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])", re.ASCII)

# Next to Chinese or Japanese no space stands.
_LETTER = r"[A-Za-z0-9_\u00c0-\u04ff]"
# What stands between two groups of digits, and the groups, each of which is read in one way alone:
# where a digit more or less could be of either, a long number would be tried in millions of ways.
_BETWEEN = rf"\)?(?:[ ]?\([ ]?|{_GAP}|/|[ ]-[ ]|\)[ ]?)?(?=\(?\d)"
_GROUP = rf"(?>\(?(?:\d{{6}}(?=\d)|\d{{1,6}}(?!\d){_BETWEEN}))"
_NUMBER = re.compile(
    rf"(?<!{_LETTER})(?<!\+)(?<!\d[.,:])(?:\+|\uff0b|00)?[ ]?"
    rf"(?:{_GROUP}{{9}}\d|{_GROUP}{{0,8}}(?:\(?\d{{2,7}}|\d))"
    rf"(?!{_LETTER})(?![.,:]\d)"
)
_CUE = re.compile(
    r"(?:\b(?:tele?(?:phone|fono|fon)?|phone|mobile?|cell|call|fax|ring|dial|text|sms|whatsapp|"
    r"handy|rufnummer|t[\u00e9e]l|m\u00f3vil|cellulare|portable|ph|contact|number|nummer|no)\b"
    r"|\u7535\u8bdd|\u624b\u673a|\u53f7\u7801|\u5ea7\u673a|\u4f20\u771f|\u5fae\u4fe1|\u8054\u7cfb"
    r"|\u81f4\u7535|\u96fb\u8a71|\u643a\u5e2f)[^\d\n]{0,16}\Z",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)?\d\d")
_DECIMAL = re.compile(r"\d[.]\d+")
_NORTH_AMERICA = re.compile(
    r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}"
)
_CHINA_MOBILE = re.compile(rf"1[3-9]\d{_GAP}?\d{{4}}{_GAP}?\d{{4}}")
_INDIA_MOBILE = re.compile(r"[6-9]\d{4}[ -]\d{5}")
_BEFORE = 40
_SHORTEST = 5
# Numbers that stand beside each other look like one.
_PARTS = tuple(re.compile(rf"[^{signs}]{{{_SHORTEST},}}") for signs in ("/", " /"))


def mail_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Addresses of mail, also with `(at)` and `(dot)`, and of other scripts."""
    for at in _AT.finditer(text):
        host = (
            _HOST.match(text, at.end())
            or _HOST_NUMBER.match(text, at.end())
            or _HOST_ANY.match(text, at.end())
        )
        if host is None:
            continue
        local = _local_part(text[max(0, at.start() - _LONGEST_LOCAL) : at.start()])
        if local:
            yield at.start() - len(local), host.end()


def _local_part(before: str) -> str:
    """What of the text before the at is of the address."""
    back = before[::-1]
    found = _QUOTED_BACK.match(back) or _LOCAL_BACK.match(back)
    if found is None:
        return ""
    local = found[0][::-1]
    # Next to Chinese there is no space: a name in ASCII begins where ASCII begins.
    beside = _BESIDE_HAN.search(local)
    return beside[0] if beside else local


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Numbers of cards, which are of 13 to 19 digits and pass Luhn's check."""
    for match in _CARD.finditer(text):
        for candidate in (match[1], *_without_tail(match[1])):
            digits = _digits(candidate)
            if digits[0] in "234568" and 13 <= len(digits) <= 19 and is_luhn(digits):
                yield match.start(), match.start() + len(candidate)
                break


def _without_tail(candidate: str) -> Iterator[str]:
    """A card of four groups that another number stands behind, such as the code on its back."""
    first = _CARD_LAST.match(candidate)
    if first and first.end() < len(candidate):
        yield first[0]


def identities(text: str) -> Iterator[tuple[int, int]]:
    """Identity numbers of Chinese citizens, of 18 signs that pass their check."""
    for match in _IDENTITY.finditer(text):
        number = _digits(match[1][:-1]) + (
            "X" if match[1][-1] in "Xx\uff38\uff58" else match[1][-1]
        )
        if is_chinese_identity(number):
            yield match.start(), match.end(1)


def accounts(text: str) -> Iterator[tuple[int, int]]:
    """International account numbers, which have their country's length and pass their check."""
    for match in _ACCOUNT.finditer(text):
        pattern = _ACCOUNTS.get(match[1].upper())
        found = pattern.match(text, match.start()) if pattern else None
        if found and is_iban("".join(x for x in found[0] if x.isascii() and x.isalnum())):
            yield found.span()


def internet_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Addresses of the Internet Protocol, version 4 and 6."""
    yield from (match.span() for match in _IP_4.finditer(text))
    for match in _IP_6.finditer(text):
        found = match[0]
        if found.count(":") >= 2 and any(x.isdigit() for x in found) and _is_version_6(found):
            yield match.span()


def _is_version_6(found: str) -> bool:
    try:
        ipaddress.IPv6Address(found)
    except ValueError:
        return False
    return True


def telephones(text: str) -> Iterator[tuple[int, int]]:
    """Numbers of telephones: with a + or a 0 before, of a known form, or called one."""
    for match in _NUMBER.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if _is_telephone(match[0], before):
            yield match.span()
            continue
        for parts in _PARTS:
            for part in parts.finditer(text, *match.span()):
                if part.span() != match.span() and _is_telephone(part[0], before):
                    yield part.span()


def _is_telephone(number: str, before: str) -> bool:
    """Whether a number is one, by its form or by what stands before it."""
    number = number.strip()
    if len(number) < _SHORTEST:
        return False
    digits = _digits(number)
    if not _SHORTEST <= len(digits) <= 15 or _DATE.fullmatch(number) or _DECIMAL.fullmatch(number):
        return False
    if number[0] in "+\uff0b" or digits.startswith("00"):
        return len(digits) >= 7
    known = (_NORTH_AMERICA, _CHINA_MOBILE, _INDIA_MOBILE)
    if any(form.fullmatch(number) for form in known):
        return True
    if digits[0] == "0" and len(digits) >= 9:
        return True
    return len(digits) >= 6 and bool(_CUE.search(before))


def _digits(number: str) -> str:
    """The digits of a number, also of another script, as ASCII."""
    found = "".join(filter(str.isdecimal, number))
    return found if found.isascii() else "".join(str(int(digit)) for digit in found)
