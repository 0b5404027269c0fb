"""What the processor at hand is good at: chosen by what it is, not by a clock, so that a run repeats.

The measurements behind these choices are in tinylm/EXPERIMENTS.md.
"""

import functools
import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

# FLOPs of a training from which compiling gains more than the minute it takes: measured on a processor; for a
# GPU an estimate, a minute and a half of the 1e13 FLOPs a second that a small model gets out of one
COMPILING_PAYS = {"cpu": 2e13, "cuda": 1e15}


def fastest(home: torch.device) -> torch.device:
    """Where a model that lies on `home` is trained: on a GPU where there is one.

    `CUDA_VISIBLE_DEVICES=` in the environment hides it. Apple's is not taken: nothing was measured there.
    """
    if home.type != "cpu" or not torch.cuda.is_available():
        return home
    gpu = torch.device("cuda", torch.cuda.current_device())
    return gpu if computes(gpu) else home


@functools.cache
def computes(gpu: torch.device) -> bool:
    """Whether a GPU can be used: it may be older than PyTorch supports, or full. Says so where it cannot."""
    try:
        return bool((torch.ones(8, 8, device=gpu) @ torch.ones(8, 8, device=gpu)).sum() == 512)
    except RuntimeError as error:
        print(f"The GPU does not compute ({str(error).splitlines()[0]}): training on the processor instead.")
        return False


@contextmanager
def moved(model: nn.Module, device: torch.device) -> Iterator[None]:
    """The model on `device` for a while, then back where it was, also after an error."""
    home = next(model.parameters()).device
    model.to(device)  # in place, so optimizers keep their parameters
    try:
        yield
    finally:
        model.to(home)


def has_bfloat16(device: torch.device) -> bool:
    """Whether it multiplies matrices of bfloat16 in hardware: where not, they are slower, not faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = getattr(torch.cpu, "get_capabilities", dict)()  # not in every version of PyTorch
    return device.type == "cpu" and bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def can_compile(device: torch.device) -> bool:
    """Whether `torch.compile` can work here: it needs a compiler, and PyTorch in a folder without a space."""
    has_compiler = device.type == "cuda" or any(map(shutil.which, ["g++", "clang++"]))
    return sys.platform != "win32" and has_compiler and " " not in torch.__file__


def pays_to_compile(model: nn.Module, n_tokens: int, device: torch.device) -> bool:
    """Whether `torch.compile`, which takes about a minute, gains that back in a training on `n_tokens`."""
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    work = 6 * n_parameters * n_tokens  # Kaplan et al. 2020, table 1
    return can_compile(device) and work > COMPILING_PAYS.get(device.type, math.inf)
