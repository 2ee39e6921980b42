"""Whether a number is one of a kind that checks itself."""

from __future__ import annotations

import datetime

__all__ = ["IBAN_LENGTHS", "is_chinese_identity", "is_iban", "is_luhn"]

_DOUBLED = str.maketrans("0123456789", "0246813579")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"

# Characters of an account number, by country: ISO 13616, the registry of SWIFT.
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def is_luhn(digits: str) -> bool:
    """Whether the last digit of a card number is the one that the others ask for.

    Args:
        digits: 0 to 9 alone.

    Source: ISO/IEC 7812-1, annex B.
    """
    weighed = digits[-1::-2] + digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, weighed)) % 10 == 0


def is_iban(account: str) -> bool:
    """Whether an account number has the length of its country, and its two check digits fit.

    Args:
        account: letters and digits of ASCII, without spaces.

    Source: ISO 13616 and ISO 7064, MOD 97-10.
    """
    account = account.upper()
    if len(account) != IBAN_LENGTHS.get(account[:2]):
        return False
    digits = "".join(str(int(sign, 36)) for sign in account[4:] + account[:4])
    return int(digits) % 97 == 1


def is_chinese_identity(number: str) -> bool:
    """Whether a number is a citizen's: a date of birth within, and the last sign fits.

    Args:
        number: 17 digits of ASCII, and a digit or X.

    Source: GB 11643-1999 and ISO 7064, MOD 11-2.
    """
    try:
        born = datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    if not 1850 <= born.year <= 2100:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == number[17].upper()
