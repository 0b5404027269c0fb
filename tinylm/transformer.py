"""The transformer: attention and feed-forward layers that take turns adding to one stream.

The shape is that of the Llama family (Touvron et al. 2023): RMSNorm before each part, rotary positions,
SwiGLU, grouped queries, no biases, tied embeddings. Explained in chapters/transformer.md.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinylm.attention import Attention, RMSNorm, rotations

SIZES = "vocab_size", "context", "n_layers", "d_model", "n_heads", "n_kv_heads", "d_head", "d_feedforward"


@dataclass(frozen=True)
class Config:
    """Every size of a model. Raises ValueError where the sizes do not fit each other."""

    vocab_size: int  # V: how many tokens there are
    context: int = 64  # the most positions that the model is trained to look back over
    n_layers: int = 2  # L
    d_model: int = 64  # C: width of the stream that runs through all layers
    n_heads: int = 4  # H: query heads
    n_kv_heads: int | None = None  # G: key/value heads; None for as many as query heads
    d_head: int | None = None  # D: channels of one head; None for d_model / n_heads
    d_feedforward: int | None = None  # inner width of feed-forward; None for 8/3 d_model, rounded up to 8
    causal: bool = True  # False lets every position see the whole text
    qk_norm: bool = False  # normalise queries and keys, as Qwen3 does
    tied: bool = True  # read out with the transposed embedding instead of a matrix of its own
    rope_theta: float = 10_000.0  # slowest rotation: one turn in about 2π·theta positions
    norm_eps: float = 1e-5  # keeps RMSNorm from dividing by zero

    def __post_init__(self):
        if self.n_kv_heads is None:
            object.__setattr__(self, "n_kv_heads", self.n_heads)
        if self.d_feedforward is None:
            object.__setattr__(self, "d_feedforward", math.ceil(self.d_model * 8 / 3 / 8) * 8)
        for name in SIZES:
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.d_head is None:
            if self.d_model % self.n_heads:
                raise ValueError(f"d_model={self.d_model} is not a multiple of n_heads={self.n_heads}")
            object.__setattr__(self, "d_head", self.d_model // self.n_heads)
        if self.d_head % 2:
            raise ValueError(f"d_head={self.d_head} is odd: rotary positions turn channels in pairs")
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads={self.n_heads} is not a multiple of n_kv_heads={self.n_kv_heads}")

    def to_dict(self) -> dict:
        return asdict(self)


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) · up(x)). Shazeer 2020, equation 6. (B, T, C) to (B, T, C)."""

    def __init__(self, config: Config):
        super().__init__()
        self.gate = nn.Linear(config.d_model, config.d_feedforward, bias=False)
        self.up = nn.Linear(config.d_model, config.d_feedforward, bias=False)
        self.down = nn.Linear(config.d_feedforward, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """One layer: attention mixes positions, feed-forward works on each alone; both add to the stream."""

    def __init__(self, config: Config):
        super().__init__()
        self.attention_norm = RMSNorm(config.d_model, eps=config.norm_eps)
        self.attention = Attention(config)
        self.feedforward_norm = RMSNorm(config.d_model, eps=config.norm_eps)
        self.feedforward = FeedForward(config)

    def forward(self, x: Tensor, rotation, mask: Tensor | None = None, past=None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), rotation, mask, past)
        return x + self.feedforward(self.feedforward_norm(x))


class Transformer(nn.Module):
    """A decoder-only transformer: ids (B, T) to logits (B, T, V).

    `model(ids)[b, t]` scores every token as the one that follows `ids[b, :t + 1]`.
    Explained in chapters/transformer.md.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = RMSNorm(config.d_model, eps=config.norm_eps)
        self.readout = nn.Linear(config.d_model, config.vocab_size, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # what adds to the stream starts small, lest depth make it grow: Radford et al. 2019
                adds = name.endswith(("output.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layers) if adds else 0.02)
        if config.tied:
            self.readout.weight = self.embedding.weight

    @property
    def n_parameters(self) -> int:
        """Parameters in all, a tied matrix counted once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    def rotation(
        self, n_positions: int, start: int = 0, padding: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `tinylm.attention.rotate` needs for the places from `start` on: (T, D), or (B, 1, T, D)."""
        positions = torch.arange(start, start + n_positions, device=self.device)
        if padding is not None:
            positions = (positions - padding[:, None, None]).clamp(min=0)  # (B, 1, T)
        cos, sin = rotations(positions, self.config.d_head, self.config.rope_theta)
        return cos.to(self.embedding.weight.dtype), sin.to(self.embedding.weight.dtype)

    def forward(
        self, ids: Tensor, mask: Tensor | None = None, cache=None, padding: Tensor | None = None
    ) -> Tensor:
        """ids: (B, T) integers below V. Returns logits (B, T, V).

        mask: True where a position (third axis) may look at another (last axis), broadcast to (B, H, T, S).
        cache: a `tinylm.decoding.Cache` of the S - T positions before `ids`, to which these are added.
        padding: (B,), how many of the first of the S places in each row hold no text. Nobody looks at them,
        positions are counted from the first that does, and their own logits mean nothing.
        """
        start = cache.length if cache is not None else 0
        if padding is not None:
            places = torch.arange(start + ids.shape[1], device=self.device)
            text = (places >= padding[:, None])[:, None, None]  # (B, 1, 1, S)
            mask = text if mask is None else mask & text
        rotation = self.rotation(ids.shape[1], start, padding)
        x = self.embedding(ids)  # (B, T, C)
        for i, block in enumerate(self.blocks):
            x = block(x, rotation, mask, cache.layers[i] if cache is not None else None)
        return self.readout(self.norm(x))  # (B, T, V)

    @torch.no_grad()
    def attention_maps(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Who looks at whom: the attention weights of every layer and head, (L, B, H, T, T)."""
        rotation, x, maps = self.rotation(ids.shape[1]), self.embedding(ids), []
        for block in self.blocks:
            maps.append(block.attention.weights(block.attention_norm(x), rotation, mask))
            x = block(x, rotation, mask)
        return torch.stack(maps)
