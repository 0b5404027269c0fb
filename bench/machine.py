"""What the bench runs on, and how fast that is at its best: processor, versions, matrix products, memory."""

import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from tinylm import processors

PACKAGES = "tinylm", "torch", "transformers", "numpy"
SHAPES = {  # of the matrices whose product tells a device's best: rows, inner, columns
    "cpu": [(512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (768, 256, 1024)],
    "cuda": [(2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192)],
}


def describe(device: str) -> dict:
    """The machine, as the report tells it."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bfloat16_unit": processors.has_bfloat16(torch.device(device)),
        "device": device,
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "system": f"{platform.system()} on {platform.machine()}",
    }


def versions() -> dict[str, str]:
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def processor() -> str:
    """The processor's model, as its system calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)
        if found:
            return found[1]
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def product(shape: tuple[int, int, int], dtype: torch.dtype, device: str) -> Callable[[], torch.Tensor]:
    """A function that multiplies two matrices of this shape."""
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device).to(dtype)
    right = torch.randn(inner, columns, device=device).to(dtype)
    out = torch.empty(rows, columns, device=device, dtype=dtype)
    return lambda: torch.mm(left, right, out=out)


def flops_per_token(model: nn.Module) -> int:
    """Floating-point operations of one training step, for each token, of the matrix products alone.

    Each weight multiplies and adds once on the way forward; attention compares T positions and mixes as many,
    the masked ones counted too. The way back takes twice as many as the way forward. An embedding is looked
    up, not multiplied; the readout is a product, tied or not. (As in section 2.1 of Kaplan et al. 2020.)
    """
    config = model.config
    looked_up = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 2 and id(p) not in looked_up)
    weights += config.vocab_size * config.d_model if config.tied else 0
    attention = 2 * config.context * config.n_layers * config.n_heads * config.d_head
    return 3 * 2 * (weights + attention)


def peak_memory() -> int:
    """The most bytes of memory that this process has held so far.

    Not `ru_maxrss` on Linux: there it begins with what the process that started this one held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
