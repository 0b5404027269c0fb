"""Who takes part in the bench: a model, a precision, and the way it is trained."""

from collections.abc import Callable
from dataclasses import dataclass

import peers
import torch
from torch import Tensor, nn
from turns import OnStep

from tinylm import pretraining, processors
from tinylm.transformer import Config, Transformer

BATCH, CONTEXT = 12, 64  # of every training step: 768 tokens
SIZES = {
    "0.8M": {"n_layers": 4, "d_model": 128, "n_heads": 4},
    "4M": {"n_layers": 5, "d_model": 256, "n_heads": 4},
}
MODELS: dict[str, Callable[[Config], nn.Module]] = {
    "tinylm": Transformer,
    "nanoGPT": peers.NanoGPT,
    "Llama": peers.llama,
    "GPT-2": peers.gpt2,
}


@dataclass(frozen=True)
class Settings:
    """What a run of the bench is asked to do; the recipe is ours, from bench/bench.py."""

    recipe: dict
    device: str = "cpu"
    seeds: int = 5
    shorten: int = 1  # every schedule of the first contest has that many times fewer steps
    seconds: float = 8.0  # of each contestant in the contests of speed
    turn: float = 1.0
    n_new: int = 150  # tokens to generate
    batches: tuple[int, ...] = (1, 32)  # texts generated at once
    sizes: tuple[str, ...] = tuple(SIZES)
    target: float | None = None  # a loss; None for the one at which nanoGPT ends
    compile: bool = False

    @property
    def precisions(self) -> list[str]:
        """Without a unit for it, bfloat16 is emulated: nobody would choose it, so nobody runs in it."""
        able = processors.has_bfloat16(torch.device(self.device))
        return ["float32", "bfloat16"] if able else ["float32"]

    def synchronize(self) -> None:
        """Wait for the device to have done what it was told."""
        if self.device == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Contestant:
    """A model, the precision of its products, and its training: ours by our loop, a peer's by the plain."""

    model: str
    precision: str = "float32"
    plan: peers.Plan = peers.TUNED  # of a peer
    muon: bool = True  # of ours; without it, AdamW
    compiled: bool | None = False  # of ours; None for where that pays

    @property
    def name(self) -> str:
        how = (" with Muon" if self.muon else " with AdamW") if self.model == "tinylm" else ""
        return f"{self.model}{how}{', compiled' if self.compiled else ''}, {self.precision}"

    def build(self, config: Config, settings: Settings, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return MODELS[self.model](config).to(settings.device)

    def work(self, model, ids: Tensor, n_steps: int, recipe: dict, seed: int = 0) -> Callable[[OnStep], None]:
        """A function that trains `model` on ids (N,) and calls back after each step."""
        if self.model != "tinylm":
            half = self.precision == "bfloat16"
            return lambda on_step: peers.train_plainly(
                model, ids, n_steps, self.plan, on_step, BATCH, seed, half
            )
        how = recipe["training"] | ({} if self.muon else {"matrix_rate": None})
        how |= {"precision": self.precision, "compiled": self.compiled, "seed": seed, "progress": None}
        how |= {"device": ids.device}
        return lambda on_step: pretraining.train(
            model, ids, n_steps, on_step=lambda step, loss: on_step(), **how
        )


def config_of(size: str, **others) -> Config:
    """The sizes that all models of a contest share."""
    return Config(**{"vocab_size": 256, "context": CONTEXT} | SIZES[size] | others)


def n_parameters(model: nn.Module) -> int:
    """All that is trained, a tied matrix counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
