"""Muon, the optimizer of the blocks' matrices, at full speed on processors without a unit for bfloat16.

Explained in chapters/pretraining.md.
"""

import math

import torch
from torch import Tensor

from tinylm.processors import has_bfloat16


class Muon(torch.optim.Muon):
    """`torch.optim.Muon` (Jordan et al. 2024), with arguments, state and errors of that.

    PyTorch's evens out a step's directions in bfloat16. A processor without a unit for it has to emulate it,
    and spends more time on that than on the model. There this takes float32: the same, with more digits.
    """

    @torch.no_grad()
    def step(self, closure=None):
        device = self.param_groups[0]["params"][0].device
        others = {group["adjust_lr_fn"] for group in self.param_groups} - {None, "original"}
        if has_bfloat16(device) or others:  # of the rates' rules, the first is written below
            return super().step(closure)
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group)
        return loss

    def _move(self, weight: Tensor, group: dict) -> None:
        """One step of one matrix, as in PyTorch's."""
        state, rate = self.state[weight], group["lr"]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight.grad, memory_format=torch.preserve_format)
        average = state["momentum_buffer"]
        average.lerp_(weight.grad, 1 - group["momentum"])
        direction = weight.grad.lerp(average, group["momentum"]) if group["nesterov"] else average
        direction = evened(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        weight.mul_(1 - rate * group["weight_decay"])
        weight.add_(direction, alpha=-rate * math.sqrt(max(1, weight.shape[0] / weight.shape[1])))


def evened(matrix: Tensor, coefficients: tuple[float, float, float], n_steps: int, eps: float) -> Tensor:
    """The matrix (N, M) with all its singular values brought near one, by Newton and Schulz's iteration.

    Each round takes every singular value s to a·s + b·s³ + c·s⁵, without working one out.
    """
    a, b, c = coefficients
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / wide.norm().clamp(min=eps)
    for _ in range(n_steps):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x
