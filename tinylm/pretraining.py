"""Training: show windows of text, ask for each next token, step against the gradient.

One loop for a laptop, a GPU and many of them; `python -m tinylm.pretraining --help` runs it from a terminal.
Explained in chapters/pretraining.md.
"""

import functools
import hashlib
import math
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from tinylm import distributed, processors, snapshots
from tinylm.muon import Muon
from tinylm.transformer import Transformer


@dataclass
class History:
    """What happened on the way. Losses are in nats per token."""

    steps: list[int] = field(default_factory=list)  # where validation was measured
    validation: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)  # the loss of every step, before that step

    def to_dict(self) -> dict:
        return asdict(self)


def windows(ids: Tensor, length: int, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets (B, length) cut from ids (N,) at `starts` (B,): the target is what follows."""
    index = starts[:, None] + torch.arange(length, device=ids.device)
    return ids[index], ids[index + 1]


def windows_in(n_tokens: int, length: int) -> int:
    """How many windows a pass over a text has; at most two lengths of it, at its ends, are left out."""
    return max(1, n_tokens // length - 1)


@functools.lru_cache(maxsize=2)  # a pass of a long text takes long to shuffle, and a batch may touch two
def shuffled(n_tokens: int, length: int, seed: int, n_pass: int, rows: bool = False) -> Tensor:
    """Where the windows of one pass over the text start, in random order: side by side, so that none overlap.

    Each pass begins at another of the first `length` tokens, so the windows are cut elsewhere each time; all
    begin at the first where the text comes in `rows`.
    """
    generator = torch.Generator().manual_seed(1_000_003 * seed + n_pass)
    n_windows = windows_in(n_tokens, length)
    spare = min(length, n_tokens - n_windows * length)
    offset = 0 if rows else torch.randint(spare, (1,), generator=generator)
    return torch.randperm(n_windows, generator=generator) * length + offset


def starts_at(
    step: int, batch_size: int, n_tokens: int, length: int, seed: int, rows: bool = False
) -> Tensor:
    """Where the windows (batch_size,) of a step start: passes over the text, one after the other.

    A function of the step alone, so a run that goes on after a stop meets the same windows.
    """
    per_pass = windows_in(n_tokens, length)
    places = torch.arange(step * batch_size, (step + 1) * batch_size)
    passes, starts = places // per_pass, torch.empty_like(places)
    for n_pass in passes.unique().tolist():  # nearly always one
        here = passes == n_pass
        starts[here] = shuffled(n_tokens, length, seed, n_pass, rows)[places[here] % per_pass]
    return starts


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats: logits (B, T, V) against what came (B, T); targets of -100 are left out."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


@torch.no_grad()
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


def optimizers(
    model: Transformer, matrix_rate: float | None, other_rate: float
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW (Loshchilov and Hutter 2019) for the rest.

    Their peak learning rates; matrix_rate None leaves the matrices to AdamW too.
    """
    matrices = [] if matrix_rate is None else [p for p in model.blocks.parameters() if p.dim() == 2]
    inside = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in inside]
    adamw = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    if not matrices:
        return [adamw]
    return [Muon(matrices, lr=matrix_rate, weight_decay=0.0, adjust_lr_fn="original"), adamw]


def set_rates(steppers: list[torch.optim.Optimizer], peaks: list[float], share: float) -> None:
    """Give each optimizer this share of its peak learning rate."""
    for stepper, peak in zip(steppers, peaks, strict=True):
        for group in stepper.param_groups:
            group["lr"] = peak * share


def backward(
    forward: Callable, ids: Tensor, length: int, starts: Tensor, n_parts: int = 1, half: bool = False
) -> Tensor:
    """The mean loss over the windows at `starts`; its gradient is added to what is there.

    n_parts: so many windows at a time that the batch fits in memory. half: multiply matrices in bfloat16;
    weights, sums and the loss stay in float32 (Micikevicius et al. 2018).
    """
    total = torch.zeros((), device=ids.device)
    for i, part in enumerate(starts.to(ids.device).chunk(n_parts)):
        inputs, targets = windows(ids, length, part)
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=half):
            loss = next_token_loss(forward(inputs), targets) / n_parts
        with distributed.gradients_stay(forward) if i + 1 < n_parts else nullcontext():
            loss.backward()
        total += loss.detach()
    return total


def train(
    model: Transformer,
    ids: Tensor,
    n_steps: int,
    batch_size: int = 16,
    validation: Tensor | None = None,
    evaluate_every: int = 0,
    on_evaluate: Callable[[int, Transformer], None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    matrix_rate: float | None = 0.02,
    other_rate: float = 0.004,
    warm_up: int = 20,
    schedule: Callable[[int], float] | None = None,
    seed: int = 0,
    rows: bool = False,
    target_loss: float | None = None,
    accumulate: int = 1,
    precision: str = "auto",
    compiled: bool | None = None,
    sharded: bool = False,
    device: torch.device | None = None,
    folder: str | Path | None = None,
    save_every: int = 100,
    progress: str | None = "training",
) -> History:
    """Train `model` in place to predict each next token of ids (N,), in `n_steps` steps.

    Every step shows `batch_size` windows of the model's context, shuffled under `seed`. Every
    `evaluate_every` steps (0: never), before the first and after the last, the loss on `validation` (M,) is
    recorded and `on_evaluate(step, model)` called; a loss of `target_loss` or less ends the training there.
    `on_step(step, loss)` is called after every step. progress: the progress bar's text; None for no bar.
    matrix_rate, other_rate: peak learning rates of the `optimizers`, reached after `warm_up` steps.
    `schedule(step)`: the share of them at each step; None for `learning_rate`, up and then down in a line.

    rows: the text comes in rows of the model's context, as `tinylm.packing` makes them; every window is one.
    accumulate: take the batch in so many parts, one after the other, if it does not fit in memory at once.
    precision: "float32", "bfloat16" (of the products of matrices; weights stay float32), or "auto": bfloat16
    where the processor has a unit for it. compiled: by `torch.compile`; None where that pays. Under torchrun
    all processes share each batch; `sharded` cuts the model up among them (see `tinylm.distributed`).
    device: where to train; None for a GPU where there is one. From there the model comes back to its place,
    for `on_evaluate` and at the end.
    folder: keep the run's state there every `save_every` steps, and go on from the newest one that is there.

    Raises ValueError where a text is shorter than one window or holds an id that the model does not have, or
    the settings do not fit each other or the run in `folder`; FloatingPointError where the loss is no longer
    a finite number; OSError where the state cannot be written. Ctrl-C ends training early and keeps the model
    as it is by then, and its state in `folder`.
    """
    length, home, n_processes = model.config.context, model.device, distributed.n_processes()
    device = device or processors.fastest(home)
    for part in (ids, validation) if validation is not None else (ids,):
        _check(part, length, model)
    if batch_size % (n_processes * accumulate):
        raise ValueError(
            f"batch_size={batch_size} is not a multiple of {n_processes * accumulate}, "
            "the number of processes times that of the parts of each"
        )
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"precision={precision!r} is not one of auto, float32, bfloat16")
    if target_loss is not None and (validation is None or not evaluate_every):
        raise ValueError("target_loss is a loss on `validation`: give that too, and `evaluate_every`")
    half = precision == "bfloat16" or (precision == "auto" and processors.has_bfloat16(device))
    recipe = {  # what decides the losses, the text by its digest
        **{"config": model.config.to_dict(), "n_steps": n_steps, "batch_size": batch_size, "seed": seed},
        **{"matrix_rate": matrix_rate, "other_rate": other_rate, "warm_up": warm_up},
        "rows": rows,
        "precision": "bfloat16" if half else "float32",
        "text": hashlib.sha256(ids.contiguous().cpu().numpy()).hexdigest(),
    }
    if not distributed.same(recipe):
        raise ValueError(
            "the processes were given different texts or settings, or processors of different precision: "
            "give all the same"
        )
    compiled = compiled or (
        compiled is None and processors.pays_to_compile(model, n_steps * batch_size * length, device)
    )
    ids, validation = (part if part is None else part.to(device) for part in (ids, validation))
    model.zero_grad()  # a reader's own backward pass may have left gradients

    with processors.moved(model, device), snapshots.held(folder) if folder else nullcontext():
        forward = distributed.spread(model, sharded)
        steppers = optimizers(model, matrix_rate, other_rate)
        peaks = [stepper.param_groups[0]["lr"] for stepper in steppers]
        history = _resume(folder, recipe, model, steppers) if folder else History()
        forward = torch.compile(forward) if compiled else forward
        step = saved = len(history.training)
        between_steps = True

        def look() -> bool:
            """Evaluate where it is time to. Whether the target is reached."""
            due = evaluate_every and (step % evaluate_every == 0 or step == n_steps)
            if due and step not in history.steps[-1:]:
                history.steps.append(step)
                with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                    if validation is not None:
                        history.validation.append(distributed.from_first(evaluate(model, validation)))
                    if on_evaluate:
                        with processors.moved(model, home):
                            on_evaluate(step, model)
            model.train()
            return target_loss is not None and min(history.validation, default=math.inf) <= target_loss

        def save() -> None:
            nonlocal saved
            if folder and step > saved:
                notes = {"recipe": recipe, "history": history.to_dict()}
                snapshots.save(folder, step, model, steppers, notes)
                saved = step

        hide = {"disable": True} if progress is None or distributed.rank() else {}  # else TQDM_DISABLE says
        bar = tqdm(total=n_steps, initial=step, desc=progress, leave=False, mininterval=0.5, **hide)
        try:
            while not look() and step < n_steps:
                share = schedule(step) if schedule else learning_rate(step, n_steps, warm_up)
                set_rates(steppers, peaks, share)
                starts = distributed.share(starts_at(step, batch_size, len(ids), length, seed, rows))
                loss = backward(forward, ids, length, starts, accumulate, half)
                loss = distributed.mean(loss).item()
                if not math.isfinite(loss):
                    raise FloatingPointError(
                        f"the loss became {loss} at step {step}: lower the learning rates"
                    )
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                between_steps = False
                for stepper in steppers:
                    stepper.step()
                    stepper.zero_grad()
                history.training.append(loss)
                step += 1
                between_steps = True
                bar.update()
                seen = {"validation": f"{history.validation[-1]:.3f}"} if history.validation else {}
                bar.set_postfix({"loss": f"{loss:.3f}"} | seen, refresh=False)
                if on_step:
                    on_step(step, loss)
                if save_every and step % save_every == 0:
                    save()
        except KeyboardInterrupt:
            print(f"stopped after {step} of {n_steps} steps; the model keeps what it has learned")
        finally:
            bar.close()
        if between_steps:  # else Ctrl-C came in the middle of one, and the state would be neither
            save()
    model.eval()
    return history


def _resume(
    folder: str | Path, recipe: dict, model: Transformer, steppers: list[torch.optim.Optimizer]
) -> History:
    """Go back to the newest state in `folder`, which must be of the same run, if there is one."""
    found = snapshots.newest(folder)
    if not distributed.same(found and found[0].name):
        raise ValueError(f"the processes see different states in {folder}: use a folder that they share")
    if found is None:
        return History()
    path, notes = found
    for name, value in recipe.items():
        was = notes["recipe"][name]
        if was != value:
            what = "another text" if name == "text" else f"{name}={was!r}, not {value!r}"
            raise ValueError(f"the run in {folder} has {what}: give the same again, or another folder")
    snapshots.restore(path, model, steppers)
    return History(**notes["history"])


def _check(ids: Tensor, length: int, model: Transformer) -> None:
    if len(ids) <= length:
        raise ValueError(f"{len(ids)} tokens are too few for one window of {length} and the token after it")
    if int(ids.max()) >= model.config.vocab_size:
        raise ValueError(
            f"token id {int(ids.max())} is outside the model's vocabulary of {model.config.vocab_size}: "
            "was the text encoded with another tokenizer?"
        )


if __name__ == "__main__":
    from tinylm import pretraining_command

    sys.exit(pretraining_command.main())
