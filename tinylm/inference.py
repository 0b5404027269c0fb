"""The same model in NumPy: made for writing a few texts on a laptop's processor.

PyTorch takes several microseconds to begin an operation, longer than many operations of a tiny model take.
NumPy begins sooner, so the model below writes several times as fast, and it is short enough to read as the
transformer's summary. Explained in chapters/decoding.md.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from tinylm.attention import rotations
from tinylm.decoding import Past
from tinylm.transformer import Block, Transformer


@dataclass
class Layer:
    """The matrices of a block, to be multiplied from the right; those with one input stand side by side."""

    heads: ndarray  # (C, (H + 2G) D): queries, keys, values
    output: ndarray  # (H D, C)
    gate_up: ndarray  # (C, 2 d_feedforward)
    down: ndarray  # (d_feedforward, C)
    scale: ndarray | None  # (H + G, 1, D): of query-key norm


class NumpyTransformer:
    """A copy of a trained `Transformer` that gives the same logits, on the processor and in float32.

    It takes the model's place in all of `tinylm.decoding`: `generate(NumpyTransformer(model), prompts, 100)`.
    Train the model further, and make a new one. Raises ValueError for a model that is not causal.
    """

    def __init__(self, model: Transformer):
        if not model.config.causal:
            raise ValueError("the model is not causal: only one that looks back alone can write")
        self.config = config = model.config
        self.device = torch.device("cpu")
        self.embedding = nn.Embedding.from_pretrained(model.embedding.weight.detach().float().cpu())
        self.table = self.embedding.weight.numpy()  # (V, C)
        self.readout = _matrix(model.norm.weight, model.readout)  # (C, V)
        self.layers = [_layer(block) for block in model.blocks]
        cos, sin = rotations(torch.arange(config.context), config.d_head, config.rope_theta)
        sin[:, : config.d_head // 2] *= -1  # then the second half comes first, and no sign need change
        self.cos, self.sin = cos.numpy(), sin.numpy()  # (context, D)

    @np.errstate(over="ignore")  # the exponential of a gate that is firmly shut
    def __call__(self, ids: Tensor, cache=None, padding: Tensor | None = None) -> Tensor:
        """ids (B, T) to logits (B, T, V), T at most the context; the rest as in `Transformer.forward`."""
        c, (n_rows, n_new) = self.config, ids.shape
        n_heads, n_groups, d_head, width = c.n_heads, c.n_kv_heads, c.d_head, c.d_feedforward
        start = cache.length if cache is not None else 0
        cos, sin, bias = self._places(start, n_new, padding)
        x = self.table[ids.numpy().ravel()]  # (BT, C): one row for each token, of whichever text
        for i, layer in enumerate(self.layers):
            heads = (_unit(x, c.norm_eps) @ layer.heads).reshape(n_rows, n_new, -1, d_head).swapaxes(1, 2)
            qk, v = heads[:, : n_heads + n_groups], heads[:, n_heads + n_groups :]
            if layer.scale is not None:
                qk = _unit(qk, c.norm_eps) * layer.scale
            turned = np.concatenate((qk[..., d_head // 2 :], qk[..., : d_head // 2]), axis=-1)
            qk = qk * cos + turned * sin
            q, k = qk[:, :n_heads], qk[:, n_heads:]
            if cache is not None:
                k, v = _extend(cache.layers[i], k, v)
            q = q.reshape(n_rows, n_groups, -1, d_head)  # (B, G, H/G T, D): a group's queries share its keys
            scores = q @ k.swapaxes(2, 3) / d_head**0.5
            if bias is not None:
                scores = (scores.reshape(n_rows, n_heads, n_new, -1) + bias).reshape(scores.shape)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            y = (weights @ v).reshape(n_rows, n_heads, n_new, d_head).swapaxes(1, 2)
            x = x + y.reshape(len(x), -1) @ layer.output
            gate_up = _unit(x, c.norm_eps) @ layer.gate_up
            gate, up = gate_up[:, :width], gate_up[:, width:]
            x = x + (gate / (1 + np.exp(-gate)) * up) @ layer.down
        return torch.from_numpy((_unit(x, c.norm_eps) @ self.readout).reshape(n_rows, n_new, -1))

    def _places(self, start: int, n_new: int, padding: Tensor | None) -> tuple:
        """Cosines and sines of the new positions, and what to add to scores where none may look (or None)."""
        if n_new == 1 and padding is None:  # the usual case: everything is its past
            return self.cos[start], self.sin[start], None
        places = np.arange(start + n_new)
        new = places[start:]
        allowed = places <= new[:, None]  # (T, S)
        if padding is not None:
            before = padding.numpy()[:, None, None]  # (B, 1, 1)
            allowed = (allowed & (places >= before))[:, None]  # (B, 1, T, S)
            new = np.maximum(new - before, 0)  # (B, 1, T)
        bias = None if allowed.all() else np.where(allowed, 0, np.float32(-1e30))
        return self.cos[new], self.sin[new], bias


def _extend(past: Past, k: ndarray, v: ndarray) -> tuple[ndarray, ndarray]:
    """What `past.extend` does, on the same memory."""
    start, past.length = past.length, past.length + k.shape[2]
    keys, values = past.keys.numpy(), past.values.numpy()
    keys[:, :, start : past.length], values[:, :, start : past.length] = k, v
    return keys[:, :, : past.length], values[:, :, : past.length]


def _unit(x: ndarray, eps: float) -> ndarray:
    """x (..., C) divided by its root mean square."""
    return x / np.sqrt(np.vecdot(x, x)[..., None] / x.shape[-1] + eps)


def _matrix(scale: Tensor | None, *linears: nn.Linear) -> ndarray:
    """Weights (C, sum of the outputs), the scale of the norm before them, if there is one, in them."""
    weight = torch.cat([linear.weight.detach().float().cpu() for linear in linears])
    weight = weight if scale is None else weight * scale.detach().float().cpu()
    return np.ascontiguousarray(weight.numpy().T)


def _layer(block: Block) -> Layer:
    attention, feedforward, scale = block.attention, block.feedforward, None
    config = attention.config
    if config.qk_norm:
        of_queries, of_keys = (
            norm.weight.detach().float().cpu() for norm in (attention.query_norm, attention.key_norm)
        )
        both = of_queries.expand(config.n_heads, -1), of_keys.expand(config.n_kv_heads, -1)
        scale = torch.cat(both).unsqueeze(1).numpy()
    return Layer(
        heads=_matrix(block.attention_norm.weight, attention.query, attention.key, attention.value),
        output=_matrix(None, attention.output),
        gate_up=_matrix(block.feedforward_norm.weight, feedforward.gate, feedforward.up),
        down=_matrix(None, feedforward.down),
        scale=scale,
    )
