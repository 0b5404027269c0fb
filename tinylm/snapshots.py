"""A training run on disk: all it takes to go on as if it had never stopped.

A run's folder holds a folder for each of its last few states: `step-00000200` with `state.safetensors`
(weights, the optimizers' averages, random states: numbers, and nothing that can run), `state.json` (what was
measured, and the settings) and checksums. Killed at any moment, it leaves the states that were complete.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tinylm import distributed, folders

KEPT = 2  # the newest, and the one before it in case the newest is damaged


@contextmanager
def held(folder: str | Path) -> Iterator[None]:
    """Keep other trainings out of `folder`. Raises ValueError where one is at work there."""
    if distributed.rank():
        yield
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            for path in folder.glob(".step-*"):
                shutil.rmtree(path)  # what a training that was killed had not finished
            yield
    except filelock.Timeout:
        raise ValueError(f"another training is at work in {folder}: wait, or give another folder") from None


def save(folder: str | Path, step: int, model: nn.Module, steppers: list[Optimizer], notes: dict) -> None:
    """Write the state before `step`, then remove all but the newest two.

    Every process calls it and the first one writes. notes: what else the run must know, as JSON can say it.
    Raises OSError where it cannot be written (a full disk, say), naming the newest state that is kept.
    """
    weights, averages = distributed.whole(model, steppers)
    if distributed.rank():
        return
    tensors = {f"weights.{name}": tensor.contiguous().clone() for name, tensor in weights.items()}
    for parameter, values in averages.items():
        tensors |= {f"averages.{parameter}/{name}": value for name, value in values.items()}
    tensors |= {f"random.{device}": state for device, state in _random_states().items()}
    folder = Path(folder)
    try:
        with folders.swapped_in(folder / f"step-{step:08}") as aside:
            safetensors.torch.save_file(tensors, aside / "state.safetensors")
            (aside / "state.json").write_text(json.dumps(notes))
            folders.seal(aside)
    except (OSError, safetensors.SafetensorError) as error:
        kept = max((path.name for path in folder.glob("step-*")), default="none")
        raise OSError(
            f"the state before step {step} could not be written to {folder} ({error}); newest kept: {kept}"
        ) from None
    for path in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(path)


def newest(folder: str | Path) -> tuple[Path, dict] | None:
    """The newest state in `folder` that is whole, with its notes; None where there is none.

    A damaged one is reported and passed over.
    """
    for path in sorted(Path(folder).glob("step-*"), reverse=True):
        try:
            folders.check_seal(path)
            return path, json.loads((path / "state.json").read_text())
        except (OSError, ValueError) as error:
            if not distributed.rank():
                print(f"{path} is damaged ({error}): going back to the state before it.")
    return None


def restore(path: Path, model: nn.Module, steppers: list[Optimizer]) -> None:
    """Put model, optimizers and random states back to what they were when `path` was written."""
    tensors = safetensors.torch.load_file(path / "state.safetensors")
    weights = _within("weights.", tensors)
    averages = {}
    for place, value in _within("averages.", tensors).items():
        parameter, name = place.split("/")
        averages.setdefault(parameter, {})[name] = value
    distributed.put_back(model, steppers, weights, averages)
    for device, state in _within("random.", tensors).items():
        if device == "cpu":
            torch.set_rng_state(state)
        elif torch.cuda.is_available():
            torch.cuda.set_rng_state(state)


def _random_states() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else states


def _within(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
