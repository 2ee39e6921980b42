"""Which encoding the bytes of a text file are in, where it is not UTF-8."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterable, Iterator

__all__ = ["encoding_of", "is_utf8"]

_SAMPLE = 2**18  # bytes of lines that are not ASCII
# What Western European text holds besides ASCII, in Windows' code page.
_WESTERN = frozenset(
    "‘’“”‚„–—…•€™£§©®°«»·´ ¡¿ÀÁÂÄÃÅÆÇÈÉÊËÍÎÏÑÓÔÖÕØÙÚÜßàáâäãåæçèéêëìíîïñòóôöõøùúûüÿœŒ"
)
_RARE = 0.3  # of the letters; in other alphabets most are beyond ASCII

Blocks = Callable[[], Iterable[bytes]]
"""The bytes of a file, as often as asked for."""


def is_utf8(blocks: Blocks) -> bool:
    """Whether the whole file is UTF-8."""
    return _decodes(blocks, "utf-8")


def encoding_of(blocks: Blocks) -> str | None:
    """The encoding that decodes a whole file and gives letters; None where there is none.

    A detector (charset-normalizer) names candidates by a sample of the lines that are not ASCII;
    Western text with a few accents or curly quotes, which it takes for one of many code pages, is
    Windows' own (cp1252), and what is GB 2312 throughout is gb18030.
    """
    sample = _sample(blocks())
    return next((name for name in _candidates(sample) if _decodes(blocks, name)), None)


def _candidates(sample: bytes) -> Iterator[str]:
    from charset_normalizer import from_bytes

    if _is_western(sample):
        yield "cp1252"
    found = [match.encoding for match in from_bytes(sample)]
    if found[:1] == ["big5"] and _opens(sample, "gb2312"):
        yield "gb18030"
    yield from found


def _sample(blocks: Iterable[bytes]) -> bytes:
    """Lines that are not ASCII; the beginning of a file of wide characters, which has NULs."""
    sample, rest = bytearray(), b""
    for block in blocks:
        if b"\0" in block:
            return block[: _SAMPLE // 2 * 2]
        *lines, rest = (rest + block).split(b"\n")
        sample += b"".join(line + b"\n" for line in lines if not line.isascii())
        if len(sample) > _SAMPLE:
            return bytes(sample)
    return bytes(sample) + (b"" if rest.isascii() else rest)


def _is_western(sample: bytes) -> bool:
    if b"\0" in sample or not _opens(sample, "cp1252"):
        return False
    text = sample.decode("cp1252")
    beyond = [char for char in text if not char.isascii()]
    letters = sum(char.isalpha() for char in text) or 1
    return set(beyond) <= _WESTERN and sum(map(str.isalpha, beyond)) < _RARE * letters


def _opens(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(blocks: Blocks, encoding: str) -> bool:
    """Whether the whole file decodes, to no control characters but white space."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return all(map(_readable, map(decoder.decode, blocks()))) and _readable(
            decoder.decode(b"", final=True)
        )
    except UnicodeError:
        return False


def _readable(text: str) -> bool:
    return "\0" not in text and (
        text.isascii()
        or all(
            unicodedata.category(char) not in ("Cc", "Cn", "Co") or char in "\t\r\n\f\v"
            for char in set(text)
        )
    )
