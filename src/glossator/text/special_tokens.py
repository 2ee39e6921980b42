"""Special tokens in a text that somebody typed: they are text, and end or hide nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tokenizers

__all__ = ["leaking", "marking", "without_specials"]


def leaking(inner: tokenizers.Tokenizer) -> dict[int, str]:
    """The special tokens that come out of a text although they are not looked for in it.

    Unigram has them among its own pieces; pieces of WordPiece and of bytes are never theirs.
    """
    specials = {i: x.content for i, x in inner.get_added_tokens_decoder().items() if x.special}
    found = inner.encode_batch_fast(list(specials.values()), add_special_tokens=False)
    return {i: x for (i, x), out in zip(specials.items(), found, strict=True) if i in out.ids}


def marking(inner: tokenizers.Tokenizer, token: str) -> tokenizers.Tokenizer:
    """The same tokenizer, which looks for one special token in a text, as for a piece."""
    fields = json.loads(inner.to_str())
    for added in fields["added_tokens"]:
        added["special"] = added["special"] and added["content"] != token
    return _made(fields)


def without_specials(inner: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """The same tokenizer, out of which no special token comes; its ids are the same.

    In the vocabulary they get names with a space in them, which no piece of a text has.
    """
    fields = json.loads(inner.to_str())
    model = fields["model"]
    hidden = {x["content"] for x in fields["added_tokens"] if x["special"]}
    pieces = model["vocab"]
    if isinstance(pieces, dict):
        model["vocab"] = {_renamed(x, hidden): i for x, i in pieces.items()}
        known = hidden & pieces.keys()
    else:
        model["vocab"] = [[_renamed(x, hidden), score] for x, score in pieces]
        known = hidden & {x for x, _ in pieces}
    if model.get("unk_token") in known:
        model["unk_token"] = _renamed(model["unk_token"], known)
    if "merges" in model:
        model["merges"] = [x for x in model["merges"] if _merged(x) not in known]
    # The others have their ids by their place in this list alone.
    fields["added_tokens"] = [x for x in fields["added_tokens"] if x["content"] not in known]
    return _made(fields)


def _made(fields: dict[str, Any]) -> tokenizers.Tokenizer:
    import tokenizers

    inner = tokenizers.Tokenizer.from_str(json.dumps(fields))
    inner.encode_special_tokens = True
    return inner


def _renamed(piece: str, hidden: set[str]) -> str:
    return f" {piece} " if piece in hidden else piece


def _merged(merge: str | list[str]) -> str:
    return "".join(merge.split(" ") if isinstance(merge, str) else merge)
