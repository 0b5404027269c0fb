"""Language models that count, and one score for all language models: bits.

A language model gives every token a probability, given the tokens before it. The ones here only count what
followed what; they are the baselines that a neural network has to beat. Any object with their two methods,
`probabilities(contexts)` and `likelihoods(ids)`, can be scored by `bits` and sampled by `sample`.

Explained in chapters/language-models.md.
"""

import math
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinylm import pretraining
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer


class LanguageModel(Protocol):
    """What `bits` and `sample` ask of a model."""

    def probabilities(self, contexts: Tensor) -> Tensor:
        """The probability of every token to come after contexts (B, T), T ≥ 0: (B, V)."""

    def likelihoods(self, ids: Tensor) -> Tensor:
        """The probability that each of ids (N,) was given, from those before it: (N,)."""


class Uniform:
    """Every token is equally likely: what is left when nothing is known but the alphabet."""

    def __init__(self, vocab_size: int):
        self.vocab_size = vocab_size

    def probabilities(self, contexts: Tensor) -> Tensor:
        return torch.full((len(contexts), self.vocab_size), 1 / self.vocab_size, dtype=torch.float64)

    def likelihoods(self, ids: Tensor) -> Tensor:
        return torch.full((len(ids),), 1 / self.vocab_size, dtype=torch.float64)


class NGram:
    """Predicts a token from the `order` - 1 tokens before it, by counting; order 1, the unigram, uses none.

    Counts of long contexts are mixed with those of shorter ones, down to the uniform guess. A context seen N
    times with U different followers trusts its own counts with weight N / (N + U): interpolation with the
    weights of Witten and Bell 1991 (their method C), as in section 2.5 of Chen and Goodman 1999.

    Raises ValueError where order is below 1, or vocab_size to the power of order does not fit into 63 bits.
    """

    def __init__(self, order: int, vocab_size: int):
        if order < 1:
            raise ValueError(f"order={order} must be at least 1, a model of single tokens")
        if vocab_size**order >= 2**63:
            raise ValueError(f"order={order} is too high for {vocab_size} tokens: such runs fit no integer")
        self.order, self.vocab_size = order, vocab_size
        # For each length: its distinct runs of tokens, sorted, and how many runs come before each.
        # Runs that share a beginning are neighbours, so one subtraction counts all that follows a context.
        self.runs: list[Tensor] = []
        self.before: list[Tensor] = []

    def fit(self, ids: Tensor) -> Self:
        """Count ids (N,), forgetting any earlier text. Raises ValueError for fewer tokens than `order`."""
        if len(ids) < self.order:
            raise ValueError(f"{len(ids)} tokens are too few to count runs of {self.order}")
        self.runs, self.before = [], []
        for length in range(1, self.order + 1):
            runs, counts = self._numbers(ids, length).unique(return_counts=True)
            self.runs.append(runs)
            self.before.append(F.pad(counts.cumsum(0), (1, 0)))
        return self

    def probabilities(self, contexts: Tensor) -> Tensor:
        """The probability of every token to come after contexts (B, T), T ≥ 0: (B, V)."""
        known = contexts[:, max(0, contexts.shape[1] - self.order + 1) :]
        known = known.repeat_interleave(self.vocab_size, dim=0)  # (B * V, at most order - 1)
        last = torch.arange(self.vocab_size).repeat(len(contexts))
        rows = torch.cat((known, last[:, None]), dim=1)
        return self._interpolate(rows).view(len(contexts), self.vocab_size)

    def likelihoods(self, ids: Tensor) -> Tensor:
        """The probability that each of ids (N,) was given, from those before it: (N,)."""
        first = min(self.order - 1, len(ids))  # tokens with fewer than order - 1 others before them
        starts = [self._interpolate(ids[None, : i + 1]) for i in range(first)]
        rest = [self._interpolate(ids.unfold(0, self.order, 1))] if len(ids) >= self.order else []
        return torch.cat([*starts, *rest, torch.empty(0, dtype=torch.float64)])

    def _interpolate(self, rows: Tensor) -> Tensor:
        """The probability of the last token of each row (B, T) after the others, T ≤ order: (B,)."""
        p = torch.full((len(rows),), 1 / self.vocab_size, dtype=torch.float64)
        for length, (runs, before) in enumerate(zip(self.runs, self.before, strict=True), 1):
            if length > rows.shape[1]:
                break
            run = self._numbers(rows[:, -length:], length).squeeze(1)
            context = run // self.vocab_size * self.vocab_size  # the first run with the same beginning
            low, high = torch.searchsorted(runs, context), torch.searchsorted(runs, context + self.vocab_size)
            total, followers = before[high] - before[low], high - low
            count = before[torch.searchsorted(runs, run + 1)] - before[torch.searchsorted(runs, run)]
            mixed = (count + followers * p) / (total + followers)
            p = torch.where(total > 0, mixed, p)  # a context never seen has nothing to add
        return p

    def _numbers(self, ids: Tensor, length: int) -> Tensor:
        """Every run of `length` tokens in ids (..., T) as one number: (..., T - length + 1)."""
        powers = self.vocab_size ** torch.arange(length - 1, -1, -1)
        return (ids.unfold(-1, length, 1) * powers).sum(-1)


def bits(model: LanguageModel, ids: Tensor) -> float:
    """The mean surprise in bits per token over ids (N,): cross-entropy with logarithms to base two.

    Shannon 1951. Raises ValueError for no tokens.
    """
    if len(ids) == 0:
        raise ValueError("there are no tokens to score")
    return -model.likelihoods(ids).log2().mean().item()


def sample(model: LanguageModel, prompt: Tensor, n_tokens: int, seed: int = 0) -> Tensor:
    """Continue prompt (B, T) by `n_tokens` tokens drawn from the model: (B, T + n_tokens)."""
    generator = torch.Generator().manual_seed(seed)
    ids = prompt
    for _ in range(n_tokens):
        new = torch.multinomial(model.probabilities(ids), 1, generator=generator)  # (B, 1)
        ids = torch.cat((ids, new), dim=1)
    return ids


@torch.inference_mode()
def bits_per_character(model: Transformer, tokenizer: Tokenizer, text: str, batch_size: int = 64) -> float:
    """The mean surprise of a neural model in bits per character of `text`, whatever its tokens are.

    Windows of the model's context overlap by half and only second halves count: a token scored with next to
    nothing before it would make the model look worse than it is beside one that counts.
    Raises ValueError where `text` is not longer than one window.
    """
    ids, length = torch.tensor(tokenizer.encode(text)), model.config.context
    if len(ids) <= length:
        raise ValueError(f"{len(ids)} tokens are too few for one window of {length} and the token after it")
    starts = torch.arange(0, len(ids) - length, length - length // 2)
    total = 0.0
    for part in starts.split(batch_size):
        inputs, targets = pretraining.windows(ids, length, part)
        logits = model(inputs)[:, length // 2 :]
        total += pretraining.next_token_loss(logits, targets[:, length // 2 :]).item() * len(part)
    return total / len(starts) / math.log(2) * len(ids) / len(text)


@torch.inference_mode()
def surprises(model: Transformer, contexts: Tensor, targets: Tensor, batch_size: int = 256) -> Tensor:
    """The surprise in bits of a neural model at each of targets (N,), given contexts (N, T): (N,)."""
    parts = zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    losses = [
        F.cross_entropy(model(seen)[:, -1].float(), next_one, reduction="none") for seen, next_one in parts
    ]
    return torch.cat(losses) / math.log(2)


class Recurrent(nn.Module):
    """A recurrent language model, the transformer's predecessor: ids (B, T) to logits (B, T, V).

    It reads one token after another and carries what it remembers in one vector of `width` numbers, which a
    gated recurrent unit updates (Cho et al. 2014).
    """

    def __init__(self, vocab_size: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.readout = nn.Linear(width, vocab_size)

    def forward(self, ids: Tensor) -> Tensor:
        states, _ = self.memory(self.embedding(ids))  # (B, T, width)
        return self.readout(states)
