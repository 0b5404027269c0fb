"""Several processes, one training: each takes its part of every batch, and the gradients are averaged.

Under `torchrun` each process calls `start`; alone, all of this does nothing. On GPUs they talk by NCCL, else
by gloo. How to start them, on one machine or several: chapters/distributed.md.
"""

import os
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel


def start(device: str | None = None) -> torch.device:
    """Join the other processes, if there are any. Returns the device of this one.

    device: "cpu" or "cuda"; None for a GPU where there is one. Under torchrun each process of a machine takes
    a GPU of its own. Raises ValueError for a device that is not there.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda":
        place = int(os.environ.get("LOCAL_RANK", 0))
        if place >= torch.cuda.device_count():
            raise ValueError(
                f"GPUs on this machine: {torch.cuda.device_count()}, processes: {place + 1} or more; "
                "start fewer of them, or add --device cpu"
            )
        torch.cuda.set_device(place)
        kind = f"cuda:{place}"
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
    return torch.device(kind)


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0. The first one talks and writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def n_processes() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def share(items: Tensor) -> Tensor:
    """This process's part of `items`: every n-th one, so that together they are all, and each once."""
    return items[rank() :: n_processes()]


def mean(value: Tensor) -> Tensor:
    """The mean over all processes of a tensor that each has."""
    if n_processes() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / n_processes()


def same(value) -> bool:
    """Whether all processes have the same value."""
    values = [value] * n_processes()
    if n_processes() > 1:
        dist.all_gather_object(values, value)
    return all(other == value for other in values)


def from_first(value):
    """The first process's value, for all."""
    values = [value]
    if n_processes() > 1:
        dist.broadcast_object_list(values)
    return values[0]


def spread(model: nn.Module, sharded: bool = False) -> nn.Module:
    """What to call in training instead of `model`, so that gradients are averaged over all processes.

    The first process's weights go to all. `sharded` cuts the weights, gradients and averages of `model`
    itself in pieces, one for each process, for a model that does not fit in one (Rajbhandari et al. 2020,
    stage 3).
    """
    if n_processes() == 1:
        return model
    if not sharded:
        return DistributedDataParallel(model)
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.data, 0)
    for block in model.blocks:
        fully_shard(block)
    return fully_shard(model)


def gradients_stay(model: nn.Module) -> AbstractContextManager:
    """Within this, gradients add up in each process alone: for all parts of a batch but the last."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()


def whole(model: nn.Module) -> dict[str, Tensor]:
    """All weights of a model that was cut in pieces, on the CPU. Every process must call it."""
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
