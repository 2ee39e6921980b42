"""Text that a causal language model goes on with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from glossator.errors import ConfigError
from glossator.models.cache import Cache
from glossator.models.causal import CausalLanguageModel
from glossator.models.config import GenerationConfig
from glossator.text.packing import pack

__all__ = ["Generated", "generate"]


@dataclass(frozen=True)
class Generated:
    """What a model added to a text.

    Attributes:
        tokens: ids, without the one that ended the text.
        finish_reason: `stop` where the model ended the text, `length` where there was no more room.
    """

    tokens: tuple[int, ...]
    finish_reason: Literal["stop", "length"]


@torch.inference_mode()
def generate(
    model: CausalLanguageModel,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    *,
    stop: Collection[int] = (),
    step: Callable[[], None] = lambda: None,
) -> list[Generated]:
    """What a model adds to each of N prompts.

    Args:
        model: in evaluation mode.
        prompts: ids of N texts, each of 1 token or more and fewer than the model reads at most.
        config: how.
        stop: ids that end a text.
        step: is called before each token; what it raises ends all.

    Raises:
        ConfigError: a prompt leaves no room.

    Source: temperature and top-k as in Fan et al. 2018, "Hierarchical neural story generation";
    top-p of Holtzman et al. 2020, "The curious case of neural text degeneration".
    """
    longest = model.encoder.max_length
    for prompt in prompts:
        if not 1 <= len(prompt) < longest:
            raise ConfigError(f"a prompt of {len(prompt)} tokens; the model reads 1 to {longest}")
    if config.beams > 1:
        return [_search(model, prompt, config, stop, step) for prompt in prompts]
    return _follow(model, prompts, config, stop, step) if prompts else []


def _follow(
    model: CausalLanguageModel,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    stop: Collection[int],
    step: Callable[[], None],
) -> list[Generated]:
    """One token after another, the most probable or drawn."""
    room = [_room(model, prompt, config) for prompt in prompts]
    cache, x = _begin(model, prompts, max(map(sum, zip(map(len, prompts), room, strict=True))))
    draws = [torch.Generator().manual_seed(config.seed) for _ in prompts]
    added: list[list[int]] = [[] for _ in prompts]
    ended: dict[int, Literal["stop", "length"]] = {}
    going = list(range(len(prompts)))
    while True:
        step()
        logits = model.logits(x)  # (going, V)
        tokens = _chosen(logits, config, [draws[i] for i in going])
        kept = []
        for place, (i, token) in enumerate(zip(going, tokens, strict=True)):
            if token in stop:
                ended[i] = "stop"
                continue
            added[i].append(token)
            if len(added[i]) == room[i]:
                ended[i] = "length"
            else:
                kept.append(place)
        if not kept:
            return [Generated(tuple(ids), ended[i]) for i, ids in enumerate(added)]
        if len(kept) < len(going):
            cache.select(torch.tensor(kept, device=x.device))
            going = [going[place] for place in kept]
        x = cache.add(torch.tensor([added[i][-1] for i in going], device=x.device))


def _chosen(
    logits: Tensor, config: GenerationConfig, draws: Sequence[torch.Generator]
) -> list[int]:
    """The next token of each row (N, V), drawn by its own generator."""
    if not config.temperature:
        return [int(token) for token in logits.argmax(-1)]
    scores, ids = (logits.cpu() / config.temperature).sort(dim=-1, descending=True, stable=True)
    chances = scores.softmax(-1)
    if config.top_k:
        chances[:, config.top_k :] = 0
    before = chances.cumsum(-1) - chances
    unlikely = before >= config.top_p * chances.sum(-1, keepdim=True)
    unlikely[:, 0] = False  # also where top_p is as good as 0
    chances[unlikely] = 0
    rows = zip(chances, ids, draws, strict=True)
    return [int(row[torch.multinomial(p, 1, generator=draw)]) for p, row, draw in rows]


@dataclass(frozen=True)
class _Hypothesis:
    """A text that may be the answer, by its mean log-probability a token."""

    score: float
    found: Generated


def _search(
    model: CausalLanguageModel,
    prompt: Sequence[int],
    config: GenerationConfig,
    stop: Collection[int],
    step: Callable[[], None],
) -> Generated:
    """The beginnings that are most probable so far, each a token longer at a time.

    Source: Wu et al. 2016, "Google's neural machine translation system", section 7, with the
    length itself as penalty.
    """
    beams, room = config.beams, _room(model, prompt, config)
    cache, x = _begin(model, [prompt], len(prompt) + room)
    totals = torch.zeros(1)  # (beams,) log-probability of each beginning
    texts: list[tuple[int, ...]] = [()]
    done: list[_Hypothesis] = []
    for length in range(1, room + 1):
        step()
        chances = model.logits(x).log_softmax(-1).cpu() + totals[:, None]  # (beams, V)
        most = min(chances.numel(), beams * (1 + len(stop)))
        best = chances.flatten().topk(most)
        going: list[tuple[float, int, int]] = []
        for rank, (score, at) in enumerate(zip(*(b.tolist() for b in best), strict=True)):
            row, token = divmod(at, chances.shape[1])
            if token in stop:
                if rank < beams:
                    found = Generated(texts[row], "stop")
                    done.append(_Hypothesis(score / length, found))
            elif len(going) < beams:
                going.append((score, row, token))
        done = sorted(done, key=lambda h: -h.score)[:beams]
        texts = [(*texts[row], token) for _, row, token in going]
        totals = torch.tensor([score for score, _, _ in going])
        finished = len(done) == beams and done[-1].score >= going[0][0] / length
        if finished or length == room:
            break
        cache.select(torch.tensor([row for _, row, _ in going], device=x.device))
        x = cache.add(torch.tensor([token for _, _, token in going], device=x.device))
    if not finished:
        pairs = zip(totals.tolist(), texts, strict=True)
        done += [_Hypothesis(score / len(t), Generated(t, "length")) for score, t in pairs]
    return max(done, key=lambda h: h.score).found


def _begin(
    model: CausalLanguageModel, prompts: Sequence[Sequence[int]], capacity: int
) -> tuple[Cache, Tensor]:
    """The prompts in a cache, and (N, width) what comes of their last tokens."""
    device = model.output_weight.device
    cache = Cache(model.encoder, len(prompts), capacity)
    return cache, cache.read(pack(prompts).to(device))


def _room(model: CausalLanguageModel, prompt: Sequence[int], config: GenerationConfig) -> int:
    return min(config.max_new_tokens, model.encoder.max_length - len(prompt))
