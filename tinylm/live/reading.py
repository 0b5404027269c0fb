"""What a model makes of a text, place by place: the same that the page computes, by PyTorch."""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from tinylm.transformer import Transformer


@dataclass(frozen=True)
class Reading:
    """One text, read by one model."""

    ids: list[int]  # T
    logits: Tensor  # (T, V)
    maps: Tensor  # (L, H, T, T): attention weights
    streams: Tensor  # (L + 1, T, C): the embedding, then what each layer leaves

    @property
    def bits(self) -> list[float]:
        """How surprising each token was for what stood before it: -log2 of its probability; the first NaN."""
        if not self.ids:
            return []
        log_p = self.logits[:-1].log_softmax(-1) / math.log(2)
        return [math.nan, *(-log_p[torch.arange(len(self.ids) - 1), self.ids[1:]]).tolist()]


@torch.no_grad()
def read(
    model: Transformer,
    ids: list[int],
    heads_off: Collection[tuple[int, int]] = (),
    layers_off: Collection[int] = (),
) -> Reading:
    """Read a text, at most as long as the context.

    heads_off: (layer, head) pairs that add nothing; layers_off: layers that leave the stream as it was.
    """
    rows = torch.tensor([ids], device=model.device)
    maps, streams = [], []
    rotation = model.rotation(len(ids))

    def look(module, inputs):
        maps.append(module.weights(inputs[0], rotation)[0])

    def note(module, inputs, output):
        streams.append(output[0])

    hooks = [model.embedding.register_forward_hook(note)]
    with switched_off(model, heads_off, layers_off):
        for block in model.blocks:
            hooks.append(block.attention.register_forward_pre_hook(look))
            hooks.append(block.register_forward_hook(note))
        try:
            logits = model(rows)[0].float()
        finally:
            for hook in hooks:
                hook.remove()
    return Reading(
        list(ids), logits.cpu(), torch.stack(maps).float().cpu(), torch.stack(streams).float().cpu()
    )


@contextmanager
def switched_off(
    model: Transformer, heads: Collection[tuple[int, int]] = (), layers: Collection[int] = ()
) -> Iterator[None]:
    """Within it, these heads (layer, head) add nothing to the stream, and these layers nothing at all."""
    d_head, hooks = model.config.d_head, []
    try:
        for layer, head in heads:
            own = slice(head * d_head, (head + 1) * d_head)

            def silence(module, inputs, own=own):
                y = inputs[0].clone()
                y[..., own] = 0
                return (y,)

            hooks.append(model.blocks[layer].attention.output.register_forward_pre_hook(silence))
        for layer in layers:
            hooks.append(model.blocks[layer].register_forward_hook(lambda module, inputs, output: inputs[0]))
        yield
    finally:
        for hook in hooks:
            hook.remove()
