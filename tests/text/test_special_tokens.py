"""What somebody types is text, whatever the tokenizer's special tokens are called."""

from __future__ import annotations

import json
import random
import string

import numpy as np
import pytest

from glossator.text.tokenizer import Tokenizer
from glossator.text.tokenizer_training import KINDS, TokenizerConfig, train_tokenizer

DRAWS = random.Random(1)
MADE = ["".join(DRAWS.choices(string.ascii_letters, k=6)) for _ in range(300)]
SEEN = ["the", "card", "was", *"</>|[]", *MADE]
TEXTS = [" ".join(DRAWS.choices(SEEN, k=9)) for _ in range(1500)]
SIZE = 400
OTHERS = ["roberta", "modernbert", "xlm_roberta", "tiny", "multilingual"]
TYPED = ["[SEP]", "[CLS]", "[MASK]", "[PAD]", "<s>", "</s>", "<mask>", "<pad>", "<|endoftext|>"]


def roberta(folder):
    """Byte-level BPE with the special tokens of RoBERTa around it, the mask with its space."""
    from tokenizers import AddedToken, processors

    trained = train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", vocab_size=SIZE))
    inner = trained._inner
    inner.add_special_tokens(["<s>", "</s>", "<pad>", AddedToken("<mask>", lstrip=True)])
    ends = [(mark, inner.token_to_id(mark)) for mark in ("</s>", "<s>")]
    inner.post_processor = processors.RobertaProcessing(*ends)
    inner.save(str(folder / "tokenizer.json"))


def modernbert(folder):
    """Byte-level BPE with BERT's special tokens, an ordinary added one, and whole words first."""
    trained = train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", vocab_size=SIZE))
    fields = json.loads(trained.to_json())
    names = ["[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    places = {name: SIZE + number for number, name in enumerate(names)}
    fields["model"]["vocab"] |= places
    fields["model"]["ignore_merges"] = True
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    fields["added_tokens"] += [
        {"id": i, "content": x, "special": True, **plain} for x, i in places.items()
    ]
    fields["added_tokens"] += [{"id": SIZE + 4, "content": "|||IP|||", "special": False, **plain}]
    fields["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {**fields["pre_tokenizer"], "use_regex": False},
        ],
    }
    (folder / "tokenizer.json").write_text(json.dumps(fields), encoding="utf-8")


def xlm_roberta(folder):
    """Unigram with a mask, which is one of its own pieces."""
    trained = train_tokenizer(TEXTS, TokenizerConfig(kind="unigram", vocab_size=SIZE))
    fields = json.loads(trained.to_json())
    fields["model"]["vocab"].append(["<mask>", 0.0])
    mask = {**fields["added_tokens"][0], "id": SIZE, "content": "<mask>", "lstrip": True}
    fields["added_tokens"].append(mask)
    (folder / "tokenizer.json").write_text(json.dumps(fields), encoding="utf-8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    like = (roberta, modernbert, xlm_roberta)
    names = [*KINDS, *(make.__name__ for make in like)]
    made = {name: tmp_path_factory.mktemp(name) for name in names}
    for kind in KINDS:
        train_tokenizer(TEXTS, TokenizerConfig(kind=kind, vocab_size=SIZE)).save(made[kind])
    for make in like:
        make(made[make.__name__])
    return made


@pytest.fixture(scope="module", params=[*KINDS, *OTHERS])
def tokenizer(request, folders):
    if request.param == "multilingual":
        return Tokenizer.load(request.getfixturevalue("multilingual_folder"))
    if request.param == "tiny":
        return Tokenizer.load(request.getfixturevalue("tiny_model_folder"))
    return Tokenizer.load(folders[request.param])


def special(tokenizer):
    """Ids that no text may have; of what the vocabulary lacks, any may, where it lacks anything."""
    unknown = {tokenizer.unknown_id} - {tokenizer.end_id}
    return set(tokenizer.special_ids.tolist()) - unknown


@pytest.mark.parametrize("form", ["{}", "the card {} was", "the{}card", "{0}{0} {0}", "\n{} \n"])
def test_no_text_holds_a_special_token(tokenizer, form):
    assert special(tokenizer)
    texts = [form.format(mark) for mark in TYPED]
    for text, ids, (again, offsets) in zip(
        texts, tokenizer.encode(texts), tokenizer.encode_with_offsets(texts), strict=True
    ):
        assert special(tokenizer).isdisjoint(ids.tolist()), text
        assert ids.tolist() == again.tolist()
        assert (offsets[:, 0] <= offsets[:, 1]).all()
        assert offsets.max() <= len(text)
    for words, (ids, numbers) in zip(
        texts, tokenizer.encode_words([text.split() for text in texts]), strict=True
    ):
        assert special(tokenizer).isdisjoint(ids.tolist()), words
        assert len(ids) == len(numbers)


def test_the_tokenizer_would_else_find_them(tokenizer):
    """What the test above must catch."""
    inner = tokenizer._inner
    inner.encode_special_tokens = False
    try:
        found = inner.encode(" ".join(inner.id_to_token(i) for i in special(tokenizer))).ids
    finally:
        inner.encode_special_tokens = True
    assert special(tokenizer) <= set(found)


def test_what_the_vocabulary_calls_unknown_is_text_where_it_is_typed(folders):
    tokenizer = Tokenizer.load(folders["unigram"])
    typed, other = tokenizer.encode(["a <unk> b", "a \U0010fffd b"])
    assert tokenizer.unknown_id not in typed
    assert tokenizer.unknown_id in other
    # Compatibility forms become the plain ones only inside the library.
    (wide,) = tokenizer.encode(["a \uff1c/s\uff1e b"])
    assert tokenizer.end_id not in wide


def test_an_added_token_that_is_not_special_stays_whole(folders):
    tokenizer = Tokenizer.load(folders["modernbert"])
    (ids,) = tokenizer.encode(["[SEP] |||IP||| [CLS]"])
    assert SIZE + 4 in ids.tolist()
    assert special(tokenizer).isdisjoint(ids.tolist())


@pytest.mark.parametrize("name", ["roberta", "modernbert", "wordpiece", "xlm_roberta"])
def test_of_gaps_the_mask_alone_is_special(name, folders):
    tokenizer = Tokenizer.load(folders[name])
    masks = tokenizer.with_masks()
    mask, mark = tokenizer.mask_id, tokenizer.vocabulary[tokenizer.mask_id]
    others = " ".join(x for x in TYPED if x != mark)
    ids, plain = masks.encode([f"the {mark} card {others} {mark}", f"the card {others}"])
    assert (ids == mask).sum() == 2
    assert (special(tokenizer) - {mask}).isdisjoint([*ids.tolist(), *plain.tolist()])
    assert mask not in tokenizer.encode([f"the {mark}"])[0]
    # Where nothing else is special, the ids are those that transformers gives.
    inner = tokenizer._inner
    inner.encode_special_tokens = False
    expected = inner.encode(f"the {mark} card{mark}.", add_special_tokens=False).ids
    inner.encode_special_tokens = True
    assert masks.encode([f"the {mark} card{mark}."])[0].tolist() == expected


def test_ids_of_other_texts_are_what_they_were(tokenizer):
    texts = ["", " ", "the card, was here", "\U0001f600 <b>bold</b> [1] naïve", "a\nb " * 50]
    inner = tokenizer._inner
    inner.encode_special_tokens = False
    expected = [inner.encode(text, add_special_tokens=False).ids for text in texts]
    inner.encode_special_tokens = True
    for text, ids, old in zip(texts, tokenizer.encode(texts), expected, strict=True):
        assert ids.tolist() == old, text
        assert ids.dtype == np.int32
