"""Stretches of a text that look like where somebody lives."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["postal_addresses"]

_WORD = r"[A-Z\u00c0-\u00de][\w'\u2019.-]{0,24}"
_NUMBER = r"\d{1,5}[A-Za-z]?(?:[-/]\d{1,4}[A-Za-z]?)?"
_CODE = r"(?:[A-Z]{2}[ ])?(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}|\d{4}[ ]?[A-Z]{2})"

# 12 Old Mill Road, Apt. 4, Springfield, IL 62704
_ENGLISH = re.compile(
    rf"(?<![\w.,-]){_NUMBER}[ ](?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|"
    r"Way|Terrace|Ter|Parkway|Pkwy|Close|Crescent|Cres|Circle|Cir|Highway|Hwy|Row|Gardens|Mews|"
    r"Grove|Hill|Walk|Trail|Quay)\b\.?"
    r"(?:,?[ ](?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|#)\.?[ ]?[\w-]{1,6}\b)?"
    rf"(?:,[ ](?:{_WORD}[ ]?){{1,3}})?(?:,?[ ]{_CODE}\b)?"
)
# Lindenstraße 12a, 10969 Berlin; Am Alten Markt 3
_GERMAN = re.compile(
    r"(?:[Ss]tra(?:\u00df|ss)e|[Ss]tr\.|[Ww]eg|[Pp]latz|[Aa]llee|[Gg]asse|[Dd]amm|[Uu]fer|[Rr]ing|"
    r"[Cc]haussee|[Mm]arkt)[ ]\d{1,4}[ ]?(?:[a-z]\b)?(?:[-/]\d{1,4})?(?!\d)"
    rf"(?:,?[ ](?:[A-Z]{{1,2}}-)?\d{{4,5}}[ ]{_WORD})?"
)
_GERMAN_BEFORE = re.compile(
    r"(?<!\w)(?:(?:An|Auf|Unter|der|dem|den|[A-Z\u00c4\u00d6\u00dc]\w{1,20}\.?)[ -]){0,3}"
    r"\w{0,24}\Z"
)
_LONGEST_BEFORE = 60
# 8 bis rue de la Paix, 75002 Paris
_FRENCH = re.compile(
    r"(?<!\w)\d{1,4}(?:[ ]?(?:bis|ter|quater))?,?[ ](?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|"
    r"[Cc]hemin|[Aa]ll\u00e9e|[Ii]mpasse|[Qq]uai|[Rr]oute|[Cc]ours)[ ]"
    rf"(?:(?:de|du|des|la|le|les|l'|d')[ ]?){{0,2}}(?:{_WORD}[ -]?){{1,4}}"
    rf"(?:,?[ ]?\d{{5}}[ ]{_WORD})?"
)
# Calle Mayor 14, Via Roma, 5; words that could also end within one would be tried in every way.
_ROMANCE = re.compile(
    r"(?<!\w)(?:Calle|C/|Avenida|Avda\.|Av\.|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Travessa|Largo)"
    rf"[ ](?:(?:de|del|della|di|da|do|dos|la|las|los|el)[ ]){{0,2}}{_WORD}(?:[ ]{_WORD}){{0,3}}"
    rf"[ ]?,?[ ]?(?:n\.?[\u00ba\u00b0]?[ ]?)?\d{{1,4}}\b(?:,?[ ]\d{{4,5}}(?:-\d{{3}})?[ ]{_WORD})?"
)
_BOX = re.compile(r"(?i)(?<!\w)(?:p\.?[ ]?o\.?[ ]?box|postfach|apartado)[ ]\d{1,6}\b")

_HAN = "\u4e00-\u9fff"
# The end of a Chinese address, which a number with its unit is: ...路12号3栋502室
_CHINESE = re.compile(
    r"(?:\u8def|\u8857|\u9053|\u5df7|\u5f04|\u80e1\u540c|\u6751|\u82d1|\u56ed|\u533a|\u91cc)"
    r"(?:\d{1,5}|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e]{1,4})"
    r"(?:\u53f7|\u5f04|\u680b|\u5e62|\u7ec4)"
    r"(?:[\u4e00-\u9fff]{0,8}?[0-9A-Za-z]{1,5}(?:\u53f7\u697c|\u680b|\u5e62|\u5ea7|\u5355\u5143|"
    r"\u697c|\u5c42|\u5ba4|\u53f7|\u6237)){0,4}"
)
_CHINESE_BEFORE = re.compile(rf"[{_HAN}0-9]{{0,30}}\Z")
# What stands before an address in a sentence, and is none of it.
_CHINESE_CUE = re.compile(
    r".*(?:\u4f4f\u5728|\u4f4d\u4e8e|\u5bc4\u5230|\u9001\u5230|\u5bc4\u5f80|\u9001\u81f3|"
    r"\u5730\u5740\u662f|\u5730\u5740\u4e3a|\u642c\u5230|\u5730\u5740|\u5728|\u662f|\u5230)"
)


def postal_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Streets with a number, of several languages, with what of a town stands behind."""
    for pattern in (_ENGLISH, _FRENCH, _ROMANCE, _BOX):
        for match in pattern.finditer(text):
            yield match.start(), match.start() + len(match[0].rstrip(" ,-."))
    for match in _GERMAN.finditer(text):
        first = max(0, match.start() - _LONGEST_BEFORE)
        before = _GERMAN_BEFORE.search(text, first, match.start())
        yield (
            before.start() if before else match.start(),
            match.start() + len(match[0].rstrip(" .")),
        )
    for match in _CHINESE.finditer(text):
        before = _CHINESE_BEFORE.search(text, max(0, match.start() - 30), match.start())
        assert before is not None  # it may be empty
        cue = _CHINESE_CUE.match(before[0])
        yield before.start() + (cue.end() if cue else 0), match.end()
