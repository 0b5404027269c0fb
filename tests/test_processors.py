"""tinylm.processors: what a processor has decides, never a clock."""

import contextlib
import sys

import pytest
import torch

from tinylm import processors
from tinylm.transformer import Config, Transformer

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("able", "expected"),
    [({}, False), ({"avx512_bf16": False}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
)
def test_bfloat16_is_taken_where_the_processor_has_a_unit_for_it(monkeypatch, able, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert processors.has_bfloat16(CPU) is expected


def test_an_older_pytorch_that_cannot_tell_has_none(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not processors.has_bfloat16(CPU)


def test_a_gpu_that_only_emulates_it_has_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert not processors.has_bfloat16(CUDA)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is compiled there")
def test_only_long_trainings_are_compiled_and_only_with_a_compiler(monkeypatch):
    model = Transformer(Config(256))
    enough = processors.COMPILING_PAYS["cpu"] / (6 * model.n_parameters)
    monkeypatch.setattr(processors.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch, "__file__", "/home/me/torch/__init__.py")
    assert processors.pays_to_compile(model, int(enough * 1.01), CPU)
    assert not processors.pays_to_compile(model, int(enough * 0.99), CPU)
    assert not processors.pays_to_compile(model, 10**15, torch.device("mps"))
    monkeypatch.setattr(processors.shutil, "which", lambda name: None)
    assert not processors.pays_to_compile(model, 10**15, CPU)
    assert processors.pays_to_compile(model, 10**15, CUDA)
    monkeypatch.setattr(torch, "__file__", "/home/me/my course/torch/__init__.py")  # PyTorch trips over it
    assert not processors.pays_to_compile(model, 10**15, CUDA)


def test_a_model_is_trained_on_a_gpu_where_there_is_one_unless_it_lies_elsewhere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(processors, "computes", lambda gpu: True)
    assert processors.fastest(CPU) == torch.device("cuda:1")
    assert processors.fastest(torch.device("cuda:0")) == torch.device("cuda:0")
    assert processors.fastest(torch.device("mps")) == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert processors.fastest(CPU) == CPU


def test_a_gpu_that_this_pytorch_does_not_support_is_left_alone_and_said_once(monkeypatch, capsys):
    def ones(*sizes, device):
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with TORCH_USE_CUDA_DSA")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 7)
    monkeypatch.setattr(torch, "ones", ones)
    assert [processors.fastest(CPU) for _ in range(3)] == [CPU] * 3
    why = "CUDA error: no kernel image is available"
    assert capsys.readouterr().out == (
        f"The GPU does not compute ({why}): training on the processor instead.\n"
    )


def test_a_device_that_multiplies_rightly_computes():
    assert processors.computes(CPU)


class Traveller(torch.nn.Linear):
    """Notes where it is sent."""

    def to(self, device):
        self.__dict__.setdefault("journey", []).append(device)
        return self


def test_a_model_that_was_moved_comes_back_also_after_an_error():
    model = Traveller(2, 2)
    with contextlib.suppress(ZeroDivisionError), processors.moved(model, CUDA):
        assert model.journey == [CUDA]
        raise ZeroDivisionError
    assert model.journey == [CUDA, CPU]
