"""The columns of kinds that learn something of a text, or of a pair of texts."""

from __future__ import annotations

from glossator.text.records import Role

__all__ = ["TEXT_ROLES", "TEXT_SHAPES"]

TEXT_ROLES = (
    Role(name="text", help="of the text", many=True),
    Role(name="text_pair", help="of a second text, read together with the first", many=True),
    Role(
        name="label",
        help="of what is to be learned: a label, a list of labels, or a number",
        target=True,
        usual=("labels",),
    ),
)
TEXT_SHAPES = (("text", "text_pair", "label"), ("text", "label"))
