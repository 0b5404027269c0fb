"""From logits to text: choose a token, add it, ask again.

Explained in chapters/decoding.md.
"""

import torch
from torch import Tensor

from tinylm.transformer import Transformer


class Past:
    """Keys and values of one layer, for the positions read so far; room for all of them is taken at once."""

    def __init__(self, shape: tuple[int, ...], device: torch.device, dtype: torch.dtype):
        self.keys = torch.empty(shape, device=device, dtype=dtype)  # (B, G, context, D)
        self.values = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values (B, G, T, D) of new positions; return those of all (B, G, S, D)."""
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end] = k
        self.values[:, :, self.length : end] = v
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Cache:
    """What a model need not compute again for the next token: every layer's keys and values."""

    def __init__(self, model: Transformer, batch_size: int):
        c = model.config
        shape = (batch_size, c.n_kv_heads, c.context, c.d_head)
        weight = model.embedding.weight
        self.layers = [Past(shape, weight.device, weight.dtype) for _ in range(c.n_layers)]

    @property
    def length(self) -> int:
        return self.layers[0].length


def choose(logits: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """One token for each row of logits (B, V): (B,).

    temperature: 1 samples from softmax(logits); lower sharpens, 0 takes the most probable (greedy).
    Raises ValueError for a negative temperature.
    """
    if temperature < 0:
        raise ValueError(f"temperature={temperature} must not be negative")
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.float() / temperature).softmax(-1)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


@torch.no_grad()  # not inference_mode: what was generated may be trained on
def generate(
    model: Transformer,
    prompt: Tensor,
    n_tokens: int,
    temperature: float = 1.0,
    seed: int | None = None,
    use_cache: bool = True,
) -> Tensor:
    """Continue `prompt` (B, T) by `n_tokens` tokens: (B, T + n_tokens).

    A text longer than the model's context goes on with the last half of the context in view.
    seed: the same seed, model and prompt give the same text on the same machine; None draws a new one.
    use_cache: keep keys and values instead of computing them again; the text is the same, only later.
    Raises ValueError for an empty prompt.
    """
    if prompt.shape[1] == 0:
        raise ValueError("the prompt is empty: give at least one token to go on from")
    generator = torch.Generator(model.device)
    generator.manual_seed(seed) if seed is not None else generator.seed()
    context = model.config.context
    ids, seen = prompt, prompt[:, -context:]
    cache, new = Cache(model, len(prompt)) if use_cache else None, seen
    was_training = model.training
    model.eval()
    for _ in range(n_tokens):
        if seen.shape[1] > context:
            seen = new = seen[:, -max(1, context // 2) :]
            cache = Cache(model, len(prompt)) if use_cache else None
        logits = model(new, cache=cache) if use_cache else model(seen)
        new = choose(logits[:, -1], temperature, generator).unsqueeze(1)
        ids, seen = torch.cat((ids, new), dim=1), torch.cat((seen, new), dim=1)
    model.train(was_training)
    return ids
