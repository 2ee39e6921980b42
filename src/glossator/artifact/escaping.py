"""Strangers' text made safe to put inside a page, a Markdown file and YAML.

HTML is escaped by the template engine; this is what it does not do.
"""

from __future__ import annotations

import re

__all__ = ["markdown_text", "shortened", "visible", "yaml_string"]

# A page may not hold these; showing them beats hiding them (a NUL becomes its picture).
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}
_UNSEEN = {0x7F: 0x2421} | dict.fromkeys([*range(0x80, 0xA0), 0xFFFE, 0xFFFF], 0xFFFD)
_LONE_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_VISIBLE = _PICTURES | _UNSEEN | _LONE_SURROGATES

_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
_YAML_ESCAPED = re.compile(r'["\\]|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]')


def visible(text: str) -> str:
    """`text` with control characters as their pictures, and U+FFFD for what UTF-8 cannot hold."""
    return text.translate(_VISIBLE)


def shortened(text: str, length: int) -> str:
    """`text`, or its first `length - 1` characters and an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def markdown_text(text: str) -> str:
    """`text` in one line that Markdown shows as it is: no markup, HTML or table bar."""
    line = visible(" ".join(text.split()))
    escaped = _MARKDOWN.sub(r"\\\1", line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;")


def yaml_string(text: str) -> str:
    """`text` as a double-quoted YAML scalar (YAML 1.2, section 7.3.1).

    A JSON string will not do: JSON writes an emoji as two surrogates, which YAML reads as two
    broken characters.
    """
    return f'"{_YAML_ESCAPED.sub(_yaml_escape, text)}"'


def _yaml_escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return f"\\{character}"
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return "\\uFFFD"  # half a character is none; no YAML reader takes it
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
