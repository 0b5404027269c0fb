"""Searching for probable texts: beam search, and a search that is sure to find the most probable one.

Explained in chapters/decoding.md.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tinylm.decoding import Cache
from tinylm.transformer import Transformer


class Found(NamedTuple):
    """A continuation, and its surprise: minus the logarithm of its probability, given the prompt."""

    nats: float
    ids: list[int]


@torch.inference_mode()
def beam_search(
    model: Transformer, prompt: Sequence[int], n_tokens: int, width: int, end: int | None = None
) -> list[Found]:
    """The `width` best continuations that a beam search finds, the most probable first.

    Each has `n_tokens` tokens, or fewer and `end` as its last. At every step each of the beams is continued
    by every token, and the `width` most probable of all these are kept (with width 1: greedy). Raises
    ValueError where prompt and continuation do not fit the model's context, or for a width below 1.
    """
    check(model, prompt, n_tokens)
    if width < 1:
        raise ValueError(f"width={width} must be at least 1")
    beams, going = [Found(0.0, [])], [Found(0.0, [])]
    cache, new = Cache(model, 1), torch.tensor([list(prompt)], device=model.device)
    while going:
        nats = -model(new, cache=cache)[:, -1].double().log_softmax(-1)  # (B, V)
        best = nats.topk(min(width, nats.shape[1]), largest=False)  # of no beam can more successors be kept
        longer = [  # with the number of the beam that each comes from
            (Found(beam.nats + more, [*beam.ids, token]), parent)
            for parent, beam in enumerate(going)
            for more, token in zip(best.values[parent].tolist(), best.indices[parent].tolist(), strict=True)
        ]
        whole = [(beam, None) for beam in beams if is_whole(beam.ids, n_tokens, end)]
        kept = sorted(whole + longer, key=lambda pair: pair[0])[:width]
        beams = [beam for beam, _ in kept]
        going, parents = [], []
        for beam, parent in kept:
            if not is_whole(beam.ids, n_tokens, end):
                going.append(beam)
                parents.append(parent)
        cache.keep(torch.tensor(parents, dtype=torch.long, device=model.device))
        new = torch.tensor([beam.ids[-1:] for beam in going], device=model.device)
    return beams


@torch.inference_mode()
def most_probable(
    model: Transformer,
    prompt: Sequence[int],
    n_tokens: int,
    end: int | None = None,
    batch: int = 64,
    patience: int = 20_000,
) -> Found | None:
    """The most probable continuation of all; None where `patience` beginnings were not enough to find it.

    Each has `n_tokens` tokens, or fewer and `end` as its last, as in `beam_search`. Beginnings are continued
    in the order of their surprise, `batch` at a time. What is added can only make them more surprising, so
    those that already are more surprising than some whole text need no look. (Stahlberg and Byrne 2019 do
    the same, depth first.) Raises ValueError where prompt and continuation do not fit the model's context.
    """
    (best,) = beam_search(model, prompt, n_tokens, 1, end)  # no more surprising than this can it be
    waiting, looked_at = [Found(0.0, [])], 0
    while waiting and waiting[0].nats < best.nats:
        if looked_at >= patience:
            return None
        going = [heapq.heappop(waiting) for _ in range(min(batch, len(waiting)))]
        looked_at += len(going)
        for beam, row in zip(going, surprises(model, prompt, [beam.ids for beam in going]), strict=True):
            row = row + beam.nats
            for token in (row < best.nats).nonzero()[:, 0].tolist():
                longer = Found(row[token].item(), [*beam.ids, token])
                if not is_whole(longer.ids, n_tokens, end):
                    heapq.heappush(waiting, longer)
                elif longer.nats < best.nats:
                    best = longer
    return best


def surprises(model: Transformer, prompt: Sequence[int], beginnings: Sequence[list[int]]) -> Tensor:
    """The surprise at each token after the prompt and each of these beginnings: (B, V) in nats."""
    longest = max(map(len, beginnings))
    rows = [[*prompt, *ids, *[0] * (longest - len(ids))] for ids in beginnings]  # zeros: nobody sees them
    logits = model(torch.tensor(rows, device=model.device))
    last = torch.tensor([len(prompt) + len(ids) - 1 for ids in beginnings], device=logits.device)
    return -logits[torch.arange(len(rows), device=logits.device), last].double().log_softmax(-1).cpu()


def is_whole(ids: Sequence[int], n_tokens: int, end: int | None) -> bool:
    """Whether a continuation is as long as is asked for, or has come to its end."""
    return len(ids) == n_tokens or (len(ids) > 0 and ids[-1] == end)


def check(model: Transformer, prompt: Sequence[int], n_tokens: int) -> None:
    if not len(prompt) or n_tokens < 1:
        raise ValueError("give a prompt of at least one token, and ask for at least one more")
    if len(prompt) + n_tokens > model.config.context + 1:
        raise ValueError(
            f"a prompt of {len(prompt)} tokens and {n_tokens} more do not fit the context of "
            f"{model.config.context}: ask for fewer"
        )
