"""Attention: each position looks back and takes a weighted mean of what it finds.

Explained in chapters/attention.md.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention_weights(q: Tensor, k: Tensor, causal: bool = True, mask: Tensor | None = None) -> Tensor:
    """How much each query takes from each key: softmax(q·k / √D), rows summing to one.

    q: (B, H, T, D). k: (B, G, S, D) with S ≥ T, the last T of the S keys belonging to the queries; H is a
    multiple of G, and each key head serves H/G query heads. mask: True where looking is allowed,
    broadcast to (B, H, T, S); with `causal` the future is forbidden as well. Returns (B, H, T, S); where a
    query may look at nothing, its row is zero.

    The weights of equation 1 of Vaswani et al. 2017. Explained in chapters/attention.md.
    """
    if k.shape[1] != q.shape[1]:
        k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)  # (B, H, S, D)
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)  # (B, H, T, S)
    allowed = allow(q.shape[2], k.shape[2], causal, mask, q.device)
    if allowed is None:
        return scores.softmax(-1)
    # half of the lowest number: a weight of zero, and no NaN where a row has nothing it may look at
    lowest = torch.finfo(scores.dtype).min / 2
    bias = torch.zeros(allowed.shape, dtype=scores.dtype, device=q.device).masked_fill(~allowed, lowest)
    weights = (scores + bias).softmax(-1)
    return weights if mask is None else weights.masked_fill(~allowed, 0)  # a causal row always sees itself


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = True, mask: Tensor | None = None) -> Tensor:
    """What each query takes home: `attention_weights(q, k) @ v`, by PyTorch's fused kernel.

    v: (B, G, S, D); the other arguments as in `attention_weights`. Returns (B, H, T, D).

    Equation 1 of Vaswani et al. 2017. Explained in chapters/attention.md.
    """
    if q.device.type == "cpu" and v.dtype == torch.bfloat16:
        # the kernel's way back is up to six times slower here than plain products (texts of up to 500 tokens)
        if v.shape[1] != q.shape[1]:
            v = v.repeat_interleave(q.shape[1] // v.shape[1], dim=1)
        return attention_weights(q, k, causal, mask).to(v.dtype) @ v
    plain = causal and mask is None and q.shape[2] == k.shape[2]  # the case the kernel has a fast path for
    allowed = None if plain else allow(q.shape[2], k.shape[2], causal, mask, q.device)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=allowed, is_causal=plain, enable_gqa=q.shape[1] != k.shape[1]
    )


def allow(n_queries: int, n_keys: int, causal: bool, mask: Tensor | None, device=None) -> Tensor | None:
    """Which key each query may look at, True for allowed: (T, S), broadcast with `mask`; None for all."""
    if not causal or n_queries == 1:  # one query is the last position: everything is its past
        return mask
    past = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)
    return past if mask is None else past & mask


def rotations(positions: Tensor, d_head: int, theta: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles by which rotary position embedding turns a head's channels.

    positions: (..., T), counted from 0. Returns two tensors (..., T, D): channels i and i + D/2 turn
    together, by position · theta^(-2i/D). Su et al. 2021, equation 34, in Llama's half-split order.
    """
    frequency = theta ** (-torch.arange(0, d_head, 2, device=positions.device).float() / d_head)
    angle = positions.float().unsqueeze(-1) * frequency  # (..., T, D/2)
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the channels of x (B, H, T, D) by the angles of `rotations`; lengths stay as they are."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class RMSNorm(nn.Module):
    """Divide x (..., C) by its root mean square, scale each channel. Zhang and Sennrich 2019, equation 4.

    Written out because `nn.RMSNorm` takes three times as long to train on a processor. The square is taken in
    at least float32: bfloat16 would round it away.
    """

    def __init__(self, n_channels: int, eps: float = 1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        scale = (wide.square().mean(-1, keepdim=True) + self.eps).rsqrt()  # (..., 1)
        return (wide * scale).to(x.dtype) * self.weight


class Attention(nn.Module):
    """Multi-head causal self-attention with rotary positions and, where G < H, shared key/value heads.

    Vaswani et al. 2017, section 3.2; grouped queries: Ainslie et al. 2023; query-key norm: Henry et al. 2020.
    `config` is a `tinylm.transformer.Config`. Explained in chapters/attention.md.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        d_head = config.d_head
        self.query = nn.Linear(config.d_model, config.n_heads * d_head, bias=False)
        self.key = nn.Linear(config.d_model, config.n_kv_heads * d_head, bias=False)
        self.value = nn.Linear(config.d_model, config.n_kv_heads * d_head, bias=False)
        self.output = nn.Linear(config.n_heads * d_head, config.d_model, bias=False)
        norm = RMSNorm if config.qk_norm else nn.Identity
        self.query_norm, self.key_norm = norm(d_head, eps=config.norm_eps), norm(d_head, eps=config.norm_eps)

    def heads(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, H, T, D), keys and values (B, G, T, D) of x (B, T, C), positions turned in."""
        split = (*x.shape[:2], -1, self.config.d_head)
        q, k, v = (part(x).view(split).transpose(1, 2) for part in (self.query, self.key, self.value))
        return rotate(self.query_norm(q), *rotation), rotate(self.key_norm(k), *rotation), v

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None = None, past=None
    ) -> Tensor:
        """x: (B, T, C) to (B, T, C). `past`: one layer of a `tinylm.decoding.Cache`."""
        q, k, v = self.heads(x, rotation)
        if past is not None:
            k, v = past.extend(k, v)  # (B, G, S, D)
        y = attend(q, k, v, self.config.causal, mask)  # (B, H, T, D)
        return self.output(y.transpose(1, 2).flatten(2))  # (B, T, C)

    def weights(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None = None) -> Tensor:
        """The attention weights (B, H, T, T) that `forward` uses, for looking at."""
        q, k, _ = self.heads(x, rotation)
        return attention_weights(q, k, self.config.causal, mask)
