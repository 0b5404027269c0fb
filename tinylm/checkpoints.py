"""Models on disk: saved whole or not at all, and trained once for everyone who asks.

A checkpoint is a folder: `config.json`, `model.safetensors` (weights, nothing that can run), `extra.json`
(the training history, say) and, where there is one, `tokenizer.json`.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import platformdirs
import safetensors.torch

from tinylm import base, recipes, tokens
from tinylm.folders import check_seal, seal, swapped_in
from tinylm.transformer import Config, Transformer


@dataclass
class Trained:
    """What a training run leaves behind. `extra` is anything JSON can say, such as the loss history."""

    model: Transformer
    tokenizer: tokens.Tokenizer | None = None
    extra: dict = field(default_factory=dict)


def cache_folder() -> Path:
    """Where trained models are kept: $TINYLM_CACHE, else this system's cache folder for the user."""
    return Path(os.environ.get("TINYLM_CACHE") or platformdirs.user_cache_dir("tinylm"))


def save(trained: Trained, folder: str | Path) -> None:
    """Write a checkpoint to `folder`, replacing one that is there only once the new one is complete.

    Raises OSError (a full disk, say) with the old checkpoint untouched.
    """
    with swapped_in(folder) as aside:
        weights = {name: tensor.contiguous() for name, tensor in trained.model.state_dict().items()}
        if trained.model.config.tied:
            del weights["readout.weight"]  # it is the embedding
        safetensors.torch.save_file(weights, aside / "model.safetensors")
        (aside / "config.json").write_text(json.dumps(trained.model.config.to_dict(), indent=1))
        (aside / "extra.json").write_text(json.dumps(trained.extra))
        if trained.tokenizer:
            trained.tokenizer.save(aside / "tokenizer.json")
        seal(aside)


def load(folder: str | Path) -> Trained:
    """Read a checkpoint. Raises FileNotFoundError, or ValueError naming what in it is damaged."""
    folder = Path(folder)
    if not (folder / "sha256.json").exists():
        raise FileNotFoundError(f"there is no checkpoint in {folder}")
    try:
        names = check_seal(folder)
        model = Transformer(Config(**json.loads((folder / "config.json").read_text())))
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        if model.config.tied:
            weights["readout.weight"] = weights["embedding.weight"]
        model.load_state_dict(weights)
        tokenizer = tokens.load(folder / "tokenizer.json") if "tokenizer.json" in names else None
        return Trained(model.eval(), tokenizer, json.loads((folder / "extra.json").read_text()))
    except (
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        OSError,
        safetensors.SafetensorError,
    ) as error:
        raise ValueError(f"the checkpoint in {folder} is damaged: {error}") from None


def pretrained(name: str = "base", seed: int = 0) -> Trained:
    """The base model of the world of `seed`, from the cache where it is there, else trained now and kept.

    name: a key of `tinylm.base.RECIPES`; `TINYLM_SCALE` in the environment makes its model larger. A training
    that was stopped goes on where it was. Raises ValueError where name or scale is none.
    """
    return trained(name, _train_base, resumable=True, recipe=base.recipe(name), seed=seed)


def _train_base(recipe: base.Recipe, seed: int, folder: Path) -> Trained:
    return Trained(*base.train(recipe, seed, folder))


def trained(name: str, train: Callable[..., Trained], resumable: bool = False, **recipe) -> Trained:
    """The model that `train(**recipe)` makes, from the cache where it is there, else trained now and kept.

    name: a word for people, part of the folder's name. recipe: what `train` is called with, as values that
    `repr` tells apart. The source of `train` is part of it by itself, as are the functions and plain values
    that it uses and the library's modules behind them (`tinylm.recipes`): edit one, and it trains anew. Two
    processes that ask for one model train it once. A damaged copy is reported and trained again.
    resumable: `train` is also given a `folder` where to keep the state of its run, and goes on from there.
    """
    folder = cache_folder() / f"{name}-{recipes.fingerprint(train, recipe)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        try:
            return load(folder)
        except FileNotFoundError:
            pass  # the usual first time
        except ValueError as error:
            print(f"{error}; training it again.")
        run = folder.with_name(f"{folder.name}.run")
        result = train(**recipe, folder=run) if resumable else train(**recipe)
        save(result, folder)
        shutil.rmtree(run, ignore_errors=True)
        return load(folder)
