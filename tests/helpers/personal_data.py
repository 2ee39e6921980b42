"""Sentences with personal data that nobody has, made from a seed, and where it stands in them.

The sentences of `HELD_OUT` were written after the finders, and none of these was changed for them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from glossator.text.checksums import IBAN_LENGTHS, is_luhn
from glossator.text.tagging import Span

STRUCTURED = ("EMAIL", "IBAN", "IDENTITY", "CARD", "IP", "PHONE")

SEEN = (
    "my {} is not working",
    "Please use {} from now on.",
    "I wrote {} on the form ({})",
    "it was {}, and before that {}; nobody answered",
    "Kannst du {} prüfen?",
    "我的信息是 {} 谢谢",
    "Hi there, could you have a look at {} and get back to me?",
    "old: {} -> new: {}",
    "{}",
    "<p>{}</p>",
    '{"who": "{}", "since": "2021-04-05"}',
    "Por favor actualice {} en su sistema, gracias.",
    "Veuillez noter {} ; merci d'avance.",
    "请帮我把它改成{}，急！",
    "see {}/{} or nothing\n\t{}",
    "Invoice 20391, 14 items, 1,299.00 EUR, 12:45: {}.",
)
HELD_OUT = (
    "Dear support,\n{}\nis what you have on file. Kind regards",
    "contact={}&lang=en",
    "* {}\n* {}\n",
    "[{}] was rejected twice; [{}] was not.",
    "Wir haben {} notiert, bitte bestätigen.",
    "“{}”, she said.",
    "他说：{}。然后挂了。",
    "id\tvalue\n17\t{}\n18\t{}\n",
    "Mi dato nuevo: {}. El viejo ya no sirve",
    "連絡先は{}です",
    "{} ... anyone?",
)
CLEAN = (
    "I topped up 250.00 on 2024-03-14 at 10:22:05 and it is still pending",
    "order 48213 of 12/31/2023 was for 3 x 12.99",
    "we raised 1,234,567 dollars, 45% more than in 2022",
    "version 3.14.2 needs Python 3.11 and 16 GB of memory",
    "the ratio is 0.123456789012 or 3.14159265358979",
    "see section 12.3.4, page 118, lines 20-25",
    "他在2023年5月6日花了三千五百元买了一台电脑",
    "In der 2. Etage, Zimmer 14, um 8 Uhr 30",
    "std::vector<int> a(10); // 0x1f",
    "he said @home is fine and the score was 3:2 (1:0)",
    "I live near the old market and walk 20 minutes to the station road",
    "batch 2024010112 took 15 000 ms",
)

_FIRST = ("anna", "j.smith", "li_wei", "o'neil", "marie-claire", "x", "info+news", "Ünal", "王伟")
_HOSTS = ("example.org", "mail.example.co.uk", "a-b.example", "exámple.com", "sub.dept.example.edu")


@dataclass(frozen=True)
class Sentence:
    text: str
    spans: tuple[Span, ...] = field(default=())


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def shaped(rng: random.Random, shape: str) -> str:
    """A shape whose # are digits."""
    return "".join(digits(rng, 1) if sign == "#" else sign for sign in shape)


def grouped(text: str, sizes: Sequence[int], gap: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return gap.join(part for part in parts if part)


def email(rng: random.Random) -> str:
    first, host = rng.choice(_FIRST), rng.choice(_HOSTS)
    number = rng.choice(("", digits(rng, 2)))
    return rng.choice(("{}{}@{}", "{}{}@{}", "{}{} (at) {}")).format(first, number, host)


def card(rng: random.Random) -> str:
    prefix, length, sizes = rng.choice(
        [
            ("4", 16, (4, 4, 4, 4)),
            ("5" + rng.choice("12345"), 16, (4, 4, 4, 4)),
            ("37", 15, (4, 6, 5)),
            ("6011", 16, (4, 4, 4, 4)),
            ("62", 19, (6, 13)),
            ("30", 14, (4, 6, 4)),
        ]
    )
    body = prefix + digits(rng, length - 1 - len(prefix))
    number = next(body + last for last in "0123456789" if is_luhn(body + last))
    return grouped(number, sizes, rng.choice(("", " ", "-")))


def iban(rng: random.Random) -> str:
    country = rng.choice(sorted(IBAN_LENGTHS))
    body = digits(rng, IBAN_LENGTHS[country] - 4)
    if country in ("GB", "NL", "IE"):
        body = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) + body[4:]
    whole = "".join(str(int(sign, 36)) for sign in f"{body}{country}00")
    account = f"{country}{98 - int(whole) % 97:02}{body}"
    return grouped(account, [4] * 9, rng.choice(("", " ")))


def identity(rng: random.Random) -> str:
    born = f"{rng.randint(1940, 2015)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = rng.choice(("110105", "310115", "440305", "510107")) + born + digits(rng, 3)
    weights = [2**place % 11 for place in range(17, 0, -1)]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    number = body + "10X98765432"[total % 11]
    return rng.choice((number, number.lower(), grouped(number, (6, 8, 4), " ")))


def address(rng: random.Random) -> str:
    if rng.random() < 0.6:
        return ".".join(str(rng.randint(1, 255)) for _ in range(4))
    groups = [f"{rng.randint(1, 65535):x}" for _ in range(8)]
    return rng.choice((":".join(groups), f"2001:db8::{groups[0]}", f"fe80::{':'.join(groups[:4])}"))


def phone(rng: random.Random) -> str:
    shape = rng.choice(
        (
            "+1 (4##) 5##-####",
            "(2##) 7##-####",
            "+49 30 ########",
            "+49-171-#######",
            "0171 #######",
            "030/########",
            "020 7### ####",
            "07700 9#####",
            "+33 6 ## ## ## ##",
            "01 ## ## ## ##",
            "+34 6## ### ###",
            "138########",
            "+86 139 #### ####",
            "010-########",
            "+91 98### #####",
            "+55 11 9####-####",
            "+81-3-####-####",
            "0044 20 7### ####",
        )
    )
    return shaped(rng, shape.replace("(4##)", "(4#5)"))


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "EMAIL": email,
    "IBAN": iban,
    "IDENTITY": identity,
    "CARD": card,
    "IP": address,
    "PHONE": phone,
}


def sentences(templates: Sequence[str], count: int, seed: int) -> Iterator[Sentence]:
    """`count` sentences of each kind of data."""
    rng = random.Random(seed)
    for kind, make in MAKERS.items():
        for _ in range(count):
            parts = rng.choice(templates).split("{}")
            text, spans = parts[0], []
            for part in parts[1:]:
                value = make(rng)
                spans.append(Span(len(text), len(text) + len(value), kind))
                text += value + part
            yield Sentence(text, tuple(spans))


@dataclass
class Tally:
    """How much of the data of a kind was hidden whole, and what else was."""

    hidden: int = 0
    missed: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        return self.hidden / max(1, self.hidden + self.missed)

    @property
    def precision(self) -> float:
        return self.hidden / max(1, self.hidden + self.wrong)

    @property
    def f2(self) -> float:
        """Van Rijsbergen 1979: recall counts twice as much as precision."""
        below = 4 * self.precision + self.recall
        return 5 * self.precision * self.recall / below if below else 0.0


def tallied(
    found: Callable[[str], Sequence[Span]], cases: Sequence[Sentence]
) -> tuple[dict[str, Tally], list[tuple[str, str]]]:
    """Tallies by kind, and what was missed: of which sentence which value.

    What is hidden as of another kind is hidden; what is hidden and is nothing counts as wrong for
    the kind that it was taken for.
    """
    tallies: dict[str, Tally] = {kind: Tally() for kind in MAKERS}
    missed = []
    for case in cases:
        spans = found(case.text)
        for want in case.spans:
            if any(x.start <= want.start and want.end <= x.end for x in spans):
                tallies[want.label].hidden += 1
            else:
                tallies[want.label].missed += 1
                missed.append((case.text, case.text[want.start : want.end]))
        for span in spans:
            if not any(x.start < span.end and span.start < x.end for x in case.spans):
                tallies.setdefault(span.label, Tally()).wrong += 1
    return tallies, missed
