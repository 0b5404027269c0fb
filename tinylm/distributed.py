"""Several processes, one training: each takes its part of every batch, and the gradients are averaged.

Under `torchrun` each process calls `start`; alone, all of this does nothing. On GPUs they talk by NCCL, else
by gloo. How to start them, on one machine or several: chapters/distributed.md.
"""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer


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

    from torch.distributed.fsdp import fully_shard  # here, because it takes a second that few need

    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.data, 0)
    for block in model.blocks:
        fully_shard(block)
    return fully_shard(model)


def gradients_stay(model: nn.Module) -> AbstractContextManager:
    """Within this, gradients add up in each process alone: for all parts of a batch but the last."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()


def whole(model: nn.Module, steppers: Sequence[Optimizer] = ()) -> tuple[dict, dict]:
    """All weights by name, and all that the optimizers keep for each, in the first process's memory.

    Of a model that was cut in pieces too. Every process must call it; the others get nothing.
    """
    from torch.distributed.checkpoint import state_dict  # here, because it takes a second that few need

    options = state_dict.StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights, averages = state_dict.get_state_dict(model, steppers, options=options)
    return weights, averages.get("state", {})


def put_back(model: nn.Module, steppers: Sequence[Optimizer], weights: dict, averages: dict) -> None:
    """Give model and optimizers what `whole` gave; every process must call it, with the same."""
    from torch.distributed.checkpoint import state_dict

    _, own = state_dict.get_state_dict(model, steppers)  # for the optimizers' settings
    options = state_dict.StateDictOptions(full_state_dict=True, cpu_offload=True)
    state_dict.set_state_dict(
        model,
        steppers,
        model_state_dict=weights,
        optim_state_dict=own | {"state": averages},
        options=options,
    )
