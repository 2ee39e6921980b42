"""The columns of kinds that find stretches of a text."""

from __future__ import annotations

from glossator.text.records import Role

__all__ = ["MARK_ROLES", "WORD_ROLES"]

WORD_ROLES = (
    Role(name="text", help="of the text", many=True),
    Role(name="tokens", help="of the words of a text, a list"),
)
"""What is read."""

MARK_ROLES = (
    Role(name="tags", help="of the tag of each word (BIO, BIOES or IO), a list", target=True),
    Role(
        name="entities",
        help="of the entities, a list of {start, end, label} in characters of the text",
        target=True,
    ),
)
"""What is learned."""
