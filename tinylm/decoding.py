"""From logits to text: choose a token, add it, ask again.

Explained in chapters/decoding.md.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from tokenizers.decoders import DecodeStream
from torch import Tensor

from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer

Prompts = Tensor | Sequence[Sequence[int]]  # (B, T), or B lists of ids of any lengths
Steer = Callable[[Tensor, Tensor], Tensor]  # logits (B, V) and what was written, (B, n), to other logits


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

    def keep(self, rows: Tensor) -> None:
        """Go on with these of the texts, in this order; one may be there twice. rows: (B,) integers."""
        for past in self.layers:
            past.keys, past.values = past.keys[rows], past.values[rows]


def probabilities(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Tensor:
    """How likely each token is to be chosen: logits (..., V) to shares (..., V) that sum to one.

    temperature: 1 leaves the model's own softmax; lower sharpens it, 0 leaves only the most probable
    (greedy). Of what that gives, each of these keeps only some and shares the rest out among them, in turn:
    top_k: the k most probable (Fan et al. 2018). top_p: the fewest that hold this share of the probability
    together (Holtzman et al. 2020). min_p: those at least this fraction as probable as the most probable one
    (Nguyen et al. 2024). Raises ValueError for a setting outside its range.
    """
    if temperature < 0:
        raise ValueError(f"temperature={temperature} must not be negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} must be at least 1")
    for name, share in {"top_p": top_p, "min_p": min_p}.items():
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"{name}={share} must lie above 0 and at most at 1")
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    p = (logits.float() / temperature).softmax(-1)
    if top_k is not None and top_k < p.shape[-1]:
        p = _keep(p, p >= p.topk(top_k).values[..., -1:])
    if top_p is not None:
        falling = p.sort(descending=True)
        before = falling.values.cumsum(-1) - falling.values  # of those that are more probable
        p = _keep(p, torch.zeros_like(p, dtype=torch.bool).scatter(-1, falling.indices, before < top_p))
    if min_p is not None:
        p = _keep(p, p >= min_p * p.amax(-1, keepdim=True))
    return p


def _keep(p: Tensor, kept: Tensor) -> Tensor:
    p = p * kept
    return p / p.sum(-1, keepdim=True)


def choose(p: Tensor, draw: Tensor) -> Tensor:
    """One token for each row of shares (B, V): the first at which their sum so far passes `draw` (B,).

    With draws even in [0, 1), a token is chosen as often as its share says; equal draws, equal tokens.
    """
    sums = p.double().cumsum(-1)
    return (sums > draw.to(sums).unsqueeze(-1) * sums[:, -1:]).int().argmax(-1)


def penalized(
    logits: Tensor, written: Tensor, repetition: float = 1.0, presence: float = 0.0, frequency: float = 0.0
) -> Tensor:
    """Make tokens that were written before less likely: logits (B, V), written (B, n), to logits (B, V).

    repetition: divides such a logit where it is positive and multiplies it where it is negative (Keskar et
    al. 2019); 1 changes nothing. presence: is taken from it once; frequency: for each time that the token
    was written. To steer with it: `stream(..., steer=partial(penalized, repetition=1.3))`. Raises ValueError
    for a repetition that is not positive.
    """
    if repetition <= 0:
        raise ValueError(f"repetition={repetition} must be positive; 1 changes nothing")
    counts = torch.zeros_like(logits).scatter_add(1, written, torch.ones_like(written, dtype=logits.dtype))
    smaller = torch.where(logits > 0, logits / repetition, logits * repetition)
    return torch.where(counts > 0, smaller - presence - frequency * counts, logits)


@torch.inference_mode()
def trace(model: Transformer, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What a model expects along a text of T tokens, at most one more than its context: for each token after
    the first its surprise, and the entropy before it, which is the surprise that the model expects itself.
    Both (T - 1,) in nats. Raises ValueError for a text that is shorter or longer.
    """
    ids = torch.as_tensor(ids, device=model.device)
    if not 2 <= len(ids) <= model.config.context + 1:
        raise ValueError(f"the text has {len(ids)} tokens: give 2 to {model.config.context + 1}")
    log_p = model(ids[None, :-1])[0].float().log_softmax(-1)  # (T - 1, V)
    return -log_p.gather(1, ids[1:, None])[:, 0], -(log_p.exp() * log_p).sum(-1)


@torch.inference_mode()
def stream(
    model: Transformer,
    prompts: Prompts,
    n_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    seed: int | None = None,
    use_cache: bool = True,
    steer: Steer | None = None,
) -> Iterator[Tensor]:
    """Continue B prompts by `n_tokens` tokens each, one (B,) at a time, as they come.

    Prompts of different lengths go together as well as alone. A text longer than the model's context goes on
    with the last half of the context in view. The settings of sampling are those of `probabilities`.
    seed: row b draws under seed + b, so a prompt goes on in the same way whatever is beside it, as far as
    rounding allows; None draws a new one. use_cache: keep keys and values instead of computing them again;
    the text is the same, only later. steer: changes the logits before each choice, knowing what was written
    after the prompts (`penalized`, a `tinylm.constraints.Constraint`). Raises ValueError for an empty prompt.
    """
    context = model.config.context
    seen, padding = _side_by_side(prompts, model.device)
    draws = _draws(len(seen), n_tokens, seed).to(model.device) if temperature else None  # (B, n_tokens)
    cache, written = None, seen[:, :0]
    for i in range(n_tokens):
        if cache is None or seen.shape[1] > context:
            seen, padding = _recent(seen, padding, context)
            cache, new = Cache(model, len(seen)), seen
            ragged = padding if padding.any() else None
        logits = model(new, cache=cache, padding=ragged) if use_cache else model(seen, padding=ragged)
        logits = steer(logits[:, -1], written) if steer else logits[:, -1]  # (B, V)
        if temperature:
            chosen = choose(probabilities(logits, temperature, top_k, top_p, min_p), draws[:, i])
        else:
            chosen = logits.argmax(-1)
        yield chosen
        new = chosen.unsqueeze(1)
        seen, written = torch.cat((seen, new), dim=1), torch.cat((written, new), dim=1)


def generate(model: Transformer, prompts: Prompts, n_tokens: int, **how) -> Tensor | list[list[int]]:
    """Prompts and what follows them, `n_tokens` tokens each; `how` and errors as for `stream`.

    (B, T) gives (B, T + n_tokens); a list of B lists of ids gives a list of B lists.
    """
    new = list(stream(model, prompts, n_tokens, **how))
    if isinstance(prompts, Tensor):
        return torch.cat((prompts, *(chosen.unsqueeze(1) for chosen in new)), dim=1)
    added = torch.stack(new, dim=1).tolist() if new else [[]] * len(prompts)
    return [[*prompt, *more] for prompt, more in zip(prompts, added, strict=True)]


def write(
    model: Transformer, tokenizer: Tokenizer, prompt: str, n_tokens: int, stop: Sequence[str] = (), **how
) -> Iterator[str]:
    """Continue a text, in pieces as they come, each of whole characters; `how` and errors as for `stream`.

    stop: the text ends before the first of these strings. `"".join(write(...))` is the whole of it.
    """
    row = _Row(tokenizer, stop)
    for chosen in stream(model, [tokenizer.encode(prompt)], n_tokens, **how):
        if piece := row.hear(chosen.item()):
            yield piece
        if row.ended:
            return
    if row.held:
        yield row.held


def write_all(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    n_tokens: int,
    stop: Sequence[str] = (),
    **how,
) -> list[str]:
    """The continuations of several texts at once, each as `write` alone gives it for seed + its place."""
    rows = [_Row(tokenizer, stop) for _ in prompts]
    texts = [""] * len(rows)
    for chosen in stream(model, [tokenizer.encode(prompt) for prompt in prompts], n_tokens, **how):
        for i, token in enumerate(chosen.tolist()):
            texts[i] += rows[i].hear(token)
        if all(row.ended for row in rows):
            break
    return [text + row.held for text, row in zip(texts, rows, strict=True)]


class _Row:
    """One text in the making: tokens come in, text that is sure to stay goes out."""

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str]):
        self.stop = [stop] if isinstance(stop, str) else list(stop)
        if "" in self.stop:
            raise ValueError("a stop string is empty: every text would end before it begins")
        self.backend = tokenizer.backend
        self.decoder = DecodeStream(skip_special_tokens=False)
        self.held = ""  # may be the beginning of a stop string
        self.ended = False

    def hear(self, token: int) -> str:
        if self.ended:
            return ""
        text = self.held + (self.decoder.step(self.backend, token) or "")  # None: half a character
        places = [text.find(word) for word in self.stop if word in text]
        if places:
            self.ended, self.held = True, ""
            return text[: min(places)]
        begun = [n for word in self.stop for n in range(1, len(word)) if text.endswith(word[:n])]
        safe = len(text) - max(begun, default=0)
        self.held = text[safe:]
        return text[:safe]


def _side_by_side(prompts: Prompts, device: torch.device) -> tuple[Tensor, Tensor]:
    """Prompts of any lengths as ids (B, T) that end together, and the padding before each (B,)."""
    if not len(prompts) or min(len(prompt) for prompt in prompts) == 0:
        raise ValueError("the prompt is empty: give at least one token to go on from")
    if isinstance(prompts, Tensor):
        return prompts.to(device), torch.zeros(len(prompts), dtype=torch.long, device=device)
    longest = max(len(prompt) for prompt in prompts)
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    padding = [longest - len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(padding, device=device)


def _recent(seen: Tensor, padding: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """The same without what no longer fits: a row longer than `context` keeps its last half context."""
    lengths = seen.shape[1] - padding
    lengths = torch.where(lengths > context, max(1, context // 2), lengths)
    longest = int(lengths.max())
    return seen[:, -longest:], longest - lengths


def _draws(n_rows: int, n_tokens: int, seed: int | None) -> Tensor:
    """Random numbers in [0, 1), (n_rows, n_tokens): every row from a generator of its own."""
    generators = [torch.Generator() for _ in range(n_rows)]
    for row, generator in enumerate(generators):
        generator.manual_seed(seed + row) if seed is not None else generator.seed()
    rows = [torch.rand(n_tokens, dtype=torch.float64, generator=generator) for generator in generators]
    return torch.stack(rows)
