"""Training: show windows of text, ask for each next token, step against the gradient.

Explained in chapters/pretraining.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from tinylm.transformer import Transformer


@dataclass
class History:
    """What happened on the way. Losses are in nats per token."""

    steps: list[int] = field(default_factory=list)  # where validation was measured
    validation: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)  # the loss of every step, before that step

    def to_dict(self) -> dict:
        return {"steps": self.steps, "validation": self.validation, "training": self.training}


def windows(ids: Tensor, length: int, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets (B, length) cut from ids (N,) at `starts` (B,): the target is what follows."""
    index = starts[:, None] + torch.arange(length, device=ids.device)
    return ids[index], ids[index + 1]


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats: logits (B, T, V) against the tokens that came (B, T)."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


@torch.inference_mode()
def evaluate(model: Transformer, ids: Tensor, batch_size: int = 64) -> float:
    """Mean loss in nats per token over ids (N,), cut into windows of the model's context that do not overlap.

    Raises ValueError where there is not one whole window.
    """
    length = model.config.context
    _check(ids, length, model)
    was_training = model.training
    model.eval()
    starts = torch.arange(0, len(ids) - length, length, device=ids.device)
    total = 0.0
    for part in starts.split(batch_size):
        inputs, targets = windows(ids, length, part)
        total += next_token_loss(model(inputs), targets).item() * len(part)
    model.train(was_training)
    return total / len(starts)


def learning_rate(step: int, n_steps: int, warm_up: int) -> float:
    """The share of the peak rate at `step`: up in a line over `warm_up` steps, then down to zero."""
    return min((step + 1) / max(1, warm_up), (n_steps - step) / max(1, n_steps - warm_up))


def optimizers(model: Transformer, matrix_rate: float, other_rate: float) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW (Loshchilov and Hutter 2019) for the rest."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    inside = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=0.0, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True),
    ]


def train(
    model: Transformer,
    ids: Tensor,
    n_steps: int,
    batch_size: int = 16,
    validation: Tensor | None = None,
    evaluate_every: int = 0,
    on_evaluate: Callable[[int, Transformer], None] | None = None,
    matrix_rate: float = 0.02,
    other_rate: float = 0.004,
    warm_up: int = 20,
    seed: int = 0,
    progress: str | None = "training",
) -> History:
    """Train `model` in place to predict each next token of ids (N,), in `n_steps` steps.

    Every step shows `batch_size` windows of the model's context, drawn at random under `seed`. Every
    `evaluate_every` steps (0: never), before the first and after the last, the loss on `validation` (M,) is
    recorded and `on_evaluate(step, model)` called. progress: the progress bar's text; None for no bar.
    matrix_rate, other_rate: peak learning rates of the two `optimizers`.

    Raises ValueError where a text is shorter than one window or holds an id that the model does not have,
    FloatingPointError where the loss is no longer a finite number. Ctrl-C ends training early and keeps the
    model as it is by then.
    """
    length = model.config.context
    for part in (ids, validation) if validation is not None else (ids,):
        _check(part, length, model)
    history = History()
    generator = torch.Generator().manual_seed(seed)
    steppers = optimizers(model, matrix_rate, other_rate)
    peaks = [[group["lr"] for group in stepper.param_groups] for stepper in steppers]
    model.train()
    model.zero_grad()  # a reader's own backward pass may have left gradients
    hide = {"disable": True} if progress is None else {}  # else TQDM_DISABLE decides, as everywhere
    bar = tqdm(range(n_steps), desc=progress, leave=False, mininterval=0.5, **hide)

    def look(step: int) -> None:
        if evaluate_every and (step % evaluate_every == 0 or step == n_steps):
            history.steps.append(step)
            if validation is not None:
                history.validation.append(evaluate(model, validation))
            if on_evaluate:
                on_evaluate(step, model)
            model.train()

    try:
        for step in bar:
            look(step)
            for stepper, rates in zip(steppers, peaks, strict=True):
                for group, peak in zip(stepper.param_groups, rates, strict=True):
                    group["lr"] = peak * learning_rate(step, n_steps, warm_up)
            starts = torch.randint(len(ids) - length, (batch_size,), generator=generator).to(ids.device)
            inputs, targets = windows(ids, length, starts)
            loss = next_token_loss(model(inputs), targets)
            if not math.isfinite(loss.item()):
                raise FloatingPointError(
                    f"the loss became {loss.item()} at step {step}: lower the learning rates"
                )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for stepper in steppers:
                stepper.step()
                stepper.zero_grad()
            history.training.append(loss.item())
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
        look(n_steps)
    except KeyboardInterrupt:
        print(
            f"stopped after {len(history.training)} of {n_steps} steps; the model keeps what it has learned"
        )
    model.eval()
    return history


def _check(ids: Tensor, length: int, model: Transformer) -> None:
    if len(ids) <= length:
        raise ValueError(f"{len(ids)} tokens are too few for one window of {length} and the token after it")
    if int(ids.max()) >= model.config.vocab_size:
        raise ValueError(
            f"token id {int(ids.max())} is outside the model's vocabulary of {model.config.vocab_size}: "
            "was the text encoded with another tokenizer?"
        )
