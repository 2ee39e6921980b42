"""GPT-2: what the referee computes and writes, from its folders and from ours."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from glossator.errors import ConfigError, ModelFolderError
from glossator.models import checkpoint, families, new_models
from glossator.models.cache import Cache
from glossator.models.config import GenerationConfig
from glossator.models.generation import Generated, generate
from glossator.models.sizes import SIZES
from glossator.text.packing import pack

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
TEXTS = [[5, 9, 2, 30, 30, 7], [1], [8, 3, 60, 4], list(range(1, 41))]
CASES = {
    "usual": {},
    "wide inner": {"n_inner": 96, "activation_function": "relu"},
    "one head": {"n_head": 1, "n_layer": 1},
}


@pytest.fixture(params=CASES, ids=str)
def referee(request, tmp_path):
    torch.manual_seed(3)
    config = transformers.GPT2Config(
        vocab_size=64, n_positions=256, n_embd=48, n_layer=3, n_head=4, initializer_range=0.2,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    for name, value in CASES[request.param].items():
        setattr(config, name, value)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.save_pretrained(tmp_path / "theirs")
    return model


@pytest.fixture
def model(referee, tmp_path):
    return checkpoint.load_causal(tmp_path / "theirs")


def logits_of(model, texts=TEXTS):
    batch = pack(texts)
    with torch.no_grad():
        return model(batch, torch.arange(len(batch.tokens)))


def referee_logits(referee, texts=TEXTS):
    with torch.no_grad():
        return torch.cat([referee(torch.tensor([text])).logits[0] for text in texts])


def test_logits_of_a_folder_saved_by_the_referee(referee, model):
    expected = referee_logits(referee)
    torch.testing.assert_close(logits_of(model), expected, **CLOSE)
    assert expected.std(0).min() > 1e-2


def test_a_folder_that_we_saved_opens_in_the_referee(model, tmp_path):
    checkpoint.save(model, tmp_path / "ours")
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(info.values()), info
    torch.testing.assert_close(logits_of(model), referee_logits(theirs.eval()), **CLOSE)


def test_hidden_states_and_attention_are_those_of_the_referee(referee, model):
    text = TEXTS[-1]
    with torch.no_grad():
        ours = model.encoder(pack([text]), hidden_states=True, attention_maps=True)
        referee.set_attn_implementation("eager")
        theirs = referee(torch.tensor([text]), output_hidden_states=True, output_attentions=True)
    for a, b in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(a, b[0], **CLOSE)
    for a, b in zip(ours.attention_maps, theirs.attentions, strict=True):
        torch.testing.assert_close(a[0], b[0], **CLOSE)


def test_old_files_hold_masks_and_leave_the_prefix_out(model, tmp_path):
    file = tmp_path / "theirs" / "model.safetensors"
    tensors = {name.removeprefix("transformer."): x for name, x in load_file(file).items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 4, 4)
    tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, file)
    torch.testing.assert_close(logits_of(checkpoint.load_causal(file.parent)), logits_of(model))


@pytest.mark.parametrize("field", ["scale_attn_weights", "tie_word_embeddings"])
def test_what_would_be_computed_wrongly_is_refused(model, field, tmp_path):
    file = tmp_path / "theirs" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: False}))
    with pytest.raises(ModelFolderError, match=f"{field} is False"):
        checkpoint.load_causal(file.parent)


def test_a_decoder_is_no_classifier_and_an_encoder_no_decoder(model, tmp_path, tiny_model_folder):
    with pytest.raises(ModelFolderError, match="gpt2 is a decoder"):
        checkpoint.load_classifier(tmp_path / "theirs", ["a", "b"])
    with pytest.raises(ModelFolderError, match="bert is an encoder"):
        checkpoint.load_causal(tiny_model_folder)


def test_200_greedy_tokens_are_those_of_the_referee(referee, model):
    prompts = TEXTS[:3]
    ours = generate(model, prompts, GenerationConfig(max_new_tokens=200))
    for prompt, found in zip(prompts, ours, strict=True):
        theirs = referee.generate(
            torch.tensor([prompt]), max_new_tokens=200, do_sample=False, eos_token_id=None,
            attention_mask=torch.ones(1, len(prompt)), pad_token_id=0,
        )  # fmt: skip
        assert list(found.tokens) == theirs[0, len(prompt) :].tolist()
        assert found.finish_reason == "length"


@pytest.mark.parametrize("beams", [2, 5])
def test_beams_are_those_of_the_referee(referee, model, beams):
    config = GenerationConfig(max_new_tokens=25, beams=beams)
    ours = generate(model, TEXTS, config, stop=[0])
    for prompt, found in zip(TEXTS, ours, strict=True):
        theirs = referee.generate(
            torch.tensor([prompt]), max_new_tokens=25, num_beams=beams, do_sample=False,
            attention_mask=torch.ones(1, len(prompt)), pad_token_id=0, eos_token_id=0,
        )[0, len(prompt) :].tolist()  # fmt: skip
        expected = list(itertools.takewhile(lambda token: token != 0, theirs))
        assert list(found.tokens) == expected
        assert found.finish_reason == ("stop" if 0 in theirs else "length")


def without_cache(model, prompt, config, stop=()):
    tokens = list(prompt)
    while len(tokens) < len(prompt) + config.max_new_tokens:
        token = int(logits_of(model, [tokens])[-1].argmax())
        if token in stop:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


def test_the_cache_changes_no_token(model):
    config = GenerationConfig(max_new_tokens=60)
    found = generate(model, TEXTS, config, stop=[12])
    for prompt, one in zip(TEXTS, found, strict=True):
        assert list(one.tokens) == without_cache(model, prompt, config, stop=[12])


def test_hidden_states_with_cache_are_those_without(model):
    text = TEXTS[-1]
    with torch.no_grad():
        cache = Cache(model.encoder, 2, len(text))
        x = cache.read(pack([text[:10], text[:4]]))
        found = [x[0]]
        for i in range(10, len(text)):
            found.append(cache.add(torch.tensor([text[i], text[i - 6]]))[0])
        expected = model.encoder(pack([text])).last[9:]
    torch.testing.assert_close(torch.stack(found), expected, **CLOSE)


def test_a_drawn_text_is_the_same_alone_and_beside_others(model):
    config = GenerationConfig(max_new_tokens=30, temperature=1.0, seed=4)
    together = generate(model, TEXTS, config, stop=[0])
    assert [generate(model, [text], config, stop=[0])[0] for text in TEXTS] == together
    other = GenerationConfig(max_new_tokens=30, temperature=1.0, seed=5)
    assert generate(model, TEXTS, other, stop=[0]) != together


def test_tokens_are_drawn_as_often_as_they_are_probable(model):
    count, prompt = 3000, TEXTS[0]
    chances = logits_of(model, [prompt])[-1].div(1.5).softmax(-1)
    drawn = torch.zeros(64)
    for seed in range(count):
        config = GenerationConfig(max_new_tokens=1, temperature=1.5, seed=seed)
        drawn[generate(model, [prompt], config)[0].tokens[0]] += 1
    off = (drawn / count - chances).abs() / (chances * (1 - chances) / count).sqrt()
    assert off[chances > 0.005].max() < 4.5


@pytest.mark.parametrize("options", [{"top_k": 3}, {"top_p": 0.5}, {"top_k": 5, "top_p": 0.7}])
def test_only_the_most_probable_tokens_are_drawn(model, options):
    prompt = TEXTS[0]
    chances, ids = logits_of(model, [prompt])[-1].softmax(-1).sort(descending=True)
    k = options.get("top_k", 64)
    share = chances[:k].cumsum(0) - chances[:k]
    allowed = set(ids[:k][share < options.get("top_p", 1.0) * chances[:k].sum()].tolist())
    drawn = {
        generate(
            model, [prompt], GenerationConfig(max_new_tokens=1, temperature=1, seed=s, **options)
        )[0].tokens[0]
        for s in range(400)
    }
    assert drawn <= allowed
    assert len(drawn) > 1 or len(allowed) == 1


def test_a_text_ends_where_the_model_has_no_more_positions(model):
    prompt = [3] * 250
    for beams in (1, 3):
        (found,) = generate(model, [prompt], GenerationConfig(beams=beams))
        assert len(found.tokens) == 6
        assert found.finish_reason == "length"
    with pytest.raises(ConfigError, match="256 tokens"):
        generate(model, [[3] * 256], GenerationConfig())
    with pytest.raises(ConfigError, match="0 tokens"):
        generate(model, [[]], GenerationConfig())
    assert generate(model, [], GenerationConfig()) == []


def test_a_stop_token_is_not_part_of_the_text(model):
    prompt = TEXTS[0]
    first = without_cache(model, prompt, GenerationConfig(max_new_tokens=1))
    assert generate(model, [prompt], GenerationConfig(), stop=first) == [Generated((), "stop")]


@pytest.mark.parametrize("beams", [1, 3])
def test_between_two_tokens_a_text_can_be_given_up(model, beams):
    steps = []

    def step():
        steps.append(1)
        if len(steps) == 5:
            raise KeyboardInterrupt

    config = GenerationConfig(beams=beams, max_new_tokens=100)
    with pytest.raises(KeyboardInterrupt):
        generate(model, TEXTS[:1], config, step=step)
    assert len(steps) == 5
    steps[:] = [1] * 10
    (found,) = generate(model, TEXTS[:1], config, step=step)
    assert len(steps) == 10 + len(found.tokens)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "--max-new-tokens"),
        ({"temperature": -1}, "--temperature"),
        ({"top_k": -1}, "--top-k"),
        ({"top_p": 0}, "--top-p"),
        ({"beams": 0}, "--beams"),
        ({"beams": 2, "temperature": 1}, "one of the two"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        GenerationConfig(**options)


def test_a_new_decoder_looks_at_the_tokens_before():
    config = families.by_model_type("gpt2").sized(SIZES["mini"], vocabulary=500, length=64, pad=1)
    model = new_models.new_causal(config, seed=1)
    tokens = torch.randint(0, 500, (64,), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        (maps,) = model.encoder(pack([tokens.tolist()]), attention_maps=True).attention_maps[0]
    for head, away in enumerate((1, 2, 3, 4)):
        assert maps[head].diagonal(-away).mean() > 0.2
