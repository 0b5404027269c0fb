"""Scaling laws: how the loss falls with parameters and tokens, fitted to small runs, with what is uncertain.

The law is L(N, D) = E + A / N^alpha + B / D^beta, for N parameters and D tokens of training (Hoffmann et al.
2022, equation 2). Explained in chapters/scaling.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PER_TOKEN = 6  # operations for each parameter and token of training: 2 forwards, 4 back (Kaplan et al. 2020)
N_STEPS = 100  # of the iteration that fits; most fits need half of them
STARTS = [(0.3, 0.3), (0.3, 0.8), (0.8, 0.3), (0.8, 0.8)]  # alpha and beta


@dataclass(frozen=True)
class Law:
    """The constants of L = E + A / N^alpha + B / D^beta, in nats per token."""

    floor: float  # E: what remains with endless parameters and tokens
    a: float  # A, of the term that parameters make smaller
    alpha: float
    b: float  # B, of the term that tokens make smaller
    beta: float

    def loss(self, n_parameters, n_tokens):
        """The loss with so many parameters after so many tokens of training: numbers or tensors."""
        return self.floor + self.a / n_parameters**self.alpha + self.b / n_tokens**self.beta

    def optimum(self, flops: float) -> tuple[float, float]:
        """Parameters and tokens with the lowest loss that training with this many operations, 6 N D, can buy.

        Equation 4 of Hoffmann et al. 2022. Raises ValueError for a budget that is not positive.
        """
        if not flops > 0:
            raise ValueError(f"flops={flops} must be a positive number")
        product, balance = flops / PER_TOKEN, self.alpha * self.a / (self.beta * self.b)
        n_parameters = (balance * product**self.beta) ** (1 / (self.alpha + self.beta))
        return n_parameters, product / n_parameters


def fit(
    n_parameters: Sequence[float],
    n_tokens: Sequence[float],
    losses: Sequence[float],
    floor: float | None = None,
    delta: float = 0.01,
) -> Law:
    """The law that fits runs best: N, D and loss of each, three lists of one length.

    floor: E where it is known (0 leaves it out); None to fit it too. delta: residuals of the logarithm of the
    loss count by their square up to this size, beyond it by the size itself (Huber 1964), so that one odd run
    does not decide. Raises ValueError for fewer runs than a fit needs, or of fewer than three sizes or
    lengths, or numbers that are not positive. Explained in chapters/scaling.md.
    """
    n, d, loss = _checked(n_parameters, n_tokens, losses, floor)
    return _fit_all(n, d, loss[None], floor, delta)[0]


def bootstrap(
    n_parameters: Sequence[float],
    n_tokens: Sequence[float],
    losses: Sequence[float],
    floor: float | None = None,
    delta: float = 0.01,
    n_samples: int = 200,
    seed: int = 0,
) -> tuple[list[Law], Tensor]:
    """Laws that might as well have come out, and by how much the logarithms of single losses stray (R,).

    Each is fitted to the losses of the first fit, strayed from by residuals drawn at random (the bootstrap of
    Efron 1979), so that every sample has all sizes and lengths. Since a fit bends towards its runs, its
    residuals are too small by about the root of (R - k) / R, for R runs and k constants: that is undone.
    Arguments and errors as for `fit`. Explained in chapters/scaling.md.
    """
    n, d, loss = _checked(n_parameters, n_tokens, losses, floor)
    law = _fit_all(n, d, loss[None], floor, delta)[0]
    fitted = law.loss(n, d)
    n_constants = 5 if floor is None else 4
    stray = (loss / fitted).log() * math.sqrt(len(loss) / (len(loss) - n_constants))
    generator = torch.Generator().manual_seed(seed)
    drawn = stray[torch.randint(len(loss), (n_samples, len(loss)), generator=generator)]
    return _fit_all(n, d, fitted * drawn.exp(), floor, delta, [(law.alpha, law.beta)]), stray


def predict(
    laws: Sequence[Law],
    stray: Tensor,
    n_parameters: float,
    n_tokens: float,
    share: float = 0.9,
    seed: int = 0,
) -> tuple[float, float]:
    """Between which two losses one more run should end, with probability `share`, by what `bootstrap` gave.

    The law is uncertain, and a run strays from it. That the law holds out there at all is taken for granted.
    Explained in chapters/scaling.md.
    """
    losses = torch.tensor([law.loss(n_parameters, n_tokens) for law in laws], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    drawn = stray[torch.randint(len(stray), (len(laws), 20), generator=generator)]
    return interval((losses[:, None] * drawn.exp()).flatten(), share)


def interval(values: Sequence[float] | Tensor, share: float = 0.9) -> tuple[float, float]:
    """Between which two numbers the middle `share` of the values lies. Raises ValueError for another share
    than one between 0 and 1."""
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie between 0 and 1")
    values = torch.as_tensor(values, dtype=torch.float64)
    low, high = values.quantile(torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=torch.float64))
    return low.item(), high.item()


def _log_loss(at: Tensor, x: Tensor, y: Tensor, log_floor: Tensor | None) -> tuple[Tensor, Tensor]:
    """The logarithm of the loss (K, R) for constants `at` (K, P): ln A', alpha, ln B', beta (and ln E), and
    its slopes (K, R, P), where x and y (R,) are the logarithms of N and D."""
    log_a, alpha, log_b, beta, *log_e = at[:, :, None].unbind(1)  # (K, 1) each
    too_small, too_little = log_a - alpha * x, log_b - beta * y  # (K, R)
    floor = (log_e[0] if log_e else log_floor).expand_as(too_small)
    terms = torch.stack([too_small, too_little, floor])
    of_a, of_b, of_floor = terms.softmax(0)
    slopes = [of_a, -of_a * x, of_b, -of_b * y] + ([of_floor] if log_e else [])
    return terms.logsumexp(0), torch.stack(slopes, -1)


def _fit_all(
    n: Tensor,
    d: Tensor,
    losses: Tensor,
    floor: float | None,
    delta: float,
    exponents: Sequence[tuple[float, float]] = STARTS,
) -> list[Law]:
    """A law for each row of losses (S, R), R runs: from several pairs of exponents at once, the best kept.

    Each step solves a least squares of the slopes, damped where it did not help (Levenberg 1944, Marquardt
    1963), with weights that make of it Huber's loss.
    """
    middle = n.log().mean(), d.log().mean()
    x, y = n.log() - middle[0], d.log() - middle[1]  # (R,): so A and alpha hardly pull on each other
    log_floor = None if floor is None else torch.tensor(floor, dtype=torch.float64).log()
    pairs = torch.tensor(exponents, dtype=torch.float64)
    alpha, beta = pairs.T[:, None].expand(-1, len(losses), -1)  # (S, K / S) each
    # at first each of the three terms is a third of the loss
    height = (losses.mean(1, keepdim=True) / 3).log().expand_as(alpha)
    parts = [height, alpha, height, beta] + ([height] if floor is None else [])
    at = torch.stack(parts, -1).flatten(0, 1)  # (K, P)
    target = losses.log().repeat_interleave(len(exponents), 0)  # (K, R)

    def cost_of(residual: Tensor) -> Tensor:
        size = residual.abs()
        return torch.where(size < delta, size.square() / 2, delta * (size - delta / 2)).sum(1)

    damping = torch.full((len(at), 1, 1), 0.01, dtype=torch.float64)
    fitted, slopes = _log_loss(at, x, y, log_floor)
    residual = fitted - target
    for _ in range(N_STEPS):
        weight = (delta / residual.abs().clamp(min=1e-12)).clamp(max=1)[..., None]
        square = slopes.mT @ (weight * slopes)
        size = square.diagonal(dim1=1, dim2=2).clamp(min=1e-9).diag_embed()
        step = torch.linalg.solve(square + damping * size, slopes.mT @ (weight * residual[..., None]))
        trial = at - step[..., 0].clamp(-1, 1)
        trial[:, 1], trial[:, 3] = trial[:, 1].clamp(0.01, 5), trial[:, 3].clamp(0.01, 5)
        fitted, new_slopes = _log_loss(trial, x, y, log_floor)
        better = (cost_of(fitted - target) < cost_of(residual))[:, None]
        damping = torch.where(better[..., None], damping / 3, damping * 4).clamp(1e-8, 1e8)
        at, residual = torch.where(better, trial, at), torch.where(better, fitted - target, residual)
        slopes = torch.where(better[..., None], new_slopes, slopes)
    best = cost_of(residual).view(len(losses), -1).argmin(1) + torch.arange(len(losses)) * len(exponents)
    log_a, alpha, log_b, beta, *log_e = at[best].T
    a, b = (log_a + alpha * middle[0]).exp(), (log_b + beta * middle[1]).exp()
    floors = log_e[0].exp() if log_e else torch.full_like(a, floor)
    return [Law(*row) for row in torch.stack([floors, a, alpha, b, beta], 1).tolist()]


def _checked(n_parameters, n_tokens, losses, floor: float | None) -> tuple[Tensor, Tensor, Tensor]:
    parts = {"n_parameters": n_parameters, "n_tokens": n_tokens, "losses": losses}
    runs = {name: torch.as_tensor(part, dtype=torch.float64) for name, part in parts.items()}
    lengths, needed = [len(part) for part in runs.values()], 7 if floor is None else 6
    if len(set(lengths)) > 1 or lengths[0] < needed:
        raise ValueError(
            f"{lengths} parameters, tokens and losses: give as many of each, and at least {needed}"
        )
    for name, part in runs.items():
        if not (part.isfinite() & (part > 0)).all():
            raise ValueError(f"{name} must be positive numbers")
        if name != "losses" and len(part.unique()) < 3:
            raise ValueError(f"{name}: give runs of three different ones, to tell a power from a constant")
    if floor is not None and not 0 <= floor < runs["losses"].min():
        raise ValueError(f"floor={floor} must be at least 0, and below the lowest loss")
    return tuple(runs.values())
