"""A mixture of experts: many feed-forward layers, of which a router picks a few for each token.

In the place of a block's `feedforward`, it is trained by the loop of `tinylm.pretraining` as it stands.
Explained in chapters/transformer.md.
"""

import math

import torch
from torch import Tensor, nn

from tinylm.transformer import Config, FeedForward


class Experts(nn.Module):
    """A weighted mean of what the `n_active` best of `n_experts` layers say: (B, T, C) to (B, T, C).

    A linear router scores all experts for each token; the softmax over the highest `n_active` scores gives
    their weights (Shazeer et al. 2017, equations 1, 3 and 5, without noise; Jiang et al. 2024, section 2.1).
    In training, `balance_loss` times `pull` joins the model's loss, lest few experts get all tokens. Each
    expert has the inner width `config.d_feedforward`. Raises ValueError where n_active is below 2 (a softmax
    over one score is one, and teaches the router nothing) or above n_experts. Explained in
    chapters/transformer.md.
    """

    def __init__(self, config: Config, n_experts: int = 8, n_active: int = 2, pull: float = 0.01):
        super().__init__()
        if not 2 <= n_active <= n_experts:
            raise ValueError(f"n_active={n_active} must be at least 2 and at most n_experts={n_experts}")
        self.n_active, self.pull = n_active, pull
        self.router = nn.Linear(config.d_model, n_experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(config) for _ in range(n_experts))
        for name, weight in self.named_parameters():  # as in tinylm.transformer.Transformer
            small = math.sqrt(2 * config.n_layers) if name.endswith("down.weight") else 1
            nn.init.normal_(weight, std=0.02 / small)

    def route(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of tokens (N, C): all experts' scores (N, E), and those chosen with their weights (N, K) each."""
        scores = self.router(tokens).float()
        best = scores.topk(self.n_active)
        return scores, best.indices, best.values.softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(0, -2)  # (N, C)
        scores, chosen, weights = self.route(tokens)
        y = torch.zeros_like(tokens)
        for i, expert in enumerate(self.experts):
            # the tokens that chose it, and as which choice
            rows, places = (chosen == i).nonzero(as_tuple=True)
            y = y.index_add(0, rows, (weights[rows, places, None] * expert(tokens[rows])).to(y.dtype))
        if self.training and torch.is_grad_enabled():
            y = _Pull.apply(y, balance_loss(scores, chosen), self.pull)
        return y.view_as(x)

    @torch.no_grad()
    def load(self, x: Tensor) -> Tensor:
        """The share of all choices that each expert gets from x (..., C): (E,), summing to one."""
        _, chosen, _ = self.route(x.flatten(0, -2))
        return chosen.flatten().bincount(minlength=len(self.experts)) / chosen.numel()


def balance_loss(scores: Tensor, chosen: Tensor) -> Tensor:
    """How unevenly E experts are used: one where all get as much, more where some get most.

    E times the sum, over experts, of the share of choices that each gets times its mean probability. scores:
    (N, E). chosen: (N, K), which experts each token takes. Only the probability has a gradient. Fedus et al.
    2022, equations 4 to 6, with K choices for one. Explained in chapters/transformer.md.
    """
    n_experts = scores.shape[-1]
    load = chosen.flatten().bincount(minlength=n_experts) / chosen.numel()
    return n_experts * (load * scores.softmax(-1).mean(0)).sum()


class _Pull(torch.autograd.Function):
    """Hands y on unchanged; on the way back it adds the gradient of `loss`, times `strength`.

    So a layer has a say in what is learned, and no training loop need know of it.
    """

    @staticmethod
    def forward(context, y: Tensor, loss: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return y.view_as(y)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        return gradient, torch.full((), context.strength, device=gradient.device), None
