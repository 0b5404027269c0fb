"""tinylm.muon: the same steps as PyTorch's, whatever the processor multiplies best."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import muon
from tinylm.muon import Muon, evened

HOW = {"lr": 0.1, "weight_decay": 0.01, "adjust_lr_fn": "original"}


def weights(shapes: list[tuple[int, int]], seed: int = 0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def take_steps(optimizer: torch.optim.Optimizer, n: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    (group,) = optimizer.param_groups
    for _ in range(n):
        for weight in group["params"]:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()
    return [weight.detach() for weight in group["params"]]


@pytest.fixture(params=[True, False], ids=["bfloat16", "float32"])
def unit(request, monkeypatch) -> bool:
    """Whether the processor is one that has a unit for bfloat16."""
    monkeypatch.setattr(muon, "has_bfloat16", lambda device: request.param)
    return request.param


@pytest.mark.parametrize("nesterov", [True, False])
def test_it_steps_as_pytorchs_does(unit, nesterov):
    shapes = [(4, 4), (3, 8), (8, 3), (1, 5)]
    theirs = take_steps(torch.optim.Muon(weights(shapes), nesterov=nesterov, **HOW))
    ours = take_steps(Muon(weights(shapes), nesterov=nesterov, **HOW))
    for mine, other in zip(ours, theirs, strict=True):
        tolerance = 0 if unit else 0.02  # three digits of bfloat16, a few rounds, three steps of at most 0.16
        torch.testing.assert_close(mine, other, rtol=0, atol=tolerance)


def test_its_steps_in_float32_are_pytorchs_without_the_rounding(monkeypatch):
    monkeypatch.setattr(muon, "has_bfloat16", lambda device: False)
    ours = take_steps(Muon(weights([(4, 6), (6, 4)]), **HOW))
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # theirs then keeps all digits, too
    theirs = take_steps(torch.optim.Muon(weights([(4, 6), (6, 4)]), **HOW))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


def test_another_rule_for_the_rates_is_left_to_pytorch(monkeypatch):
    monkeypatch.setattr(muon, "has_bfloat16", lambda device: False)
    how = HOW | {"adjust_lr_fn": "match_rms_adamw"}
    theirs = take_steps(torch.optim.Muon(weights([(4, 6)]), **how))
    assert torch.equal(take_steps(Muon(weights([(4, 6)]), **how))[0], theirs[0])


def test_a_state_goes_from_one_to_the_other(unit):
    first = Muon(weights([(4, 6)]), **HOW)
    take_steps(first)
    again = torch.optim.Muon(weights([(4, 6)]), **HOW)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    (mine,), (other,) = first.state.values(), again.state.values()
    assert torch.equal(mine["momentum_buffer"], other["momentum_buffer"])


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
@settings(deadline=None, max_examples=50)
def test_evening_out_brings_every_singular_value_near_one(n_rows, n_columns, seed):
    matrix = torch.randn(n_rows, n_columns, generator=torch.Generator().manual_seed(seed))
    sizes = torch.linalg.svdvals(matrix)
    after = torch.linalg.svdvals(evened(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7))
    counted = sizes / matrix.norm()
    for _ in range(5):  # what the docstring says of each value
        counted = 3.4445 * counted - 4.7750 * counted**3 + 2.0315 * counted**5
    torch.testing.assert_close(after.sort().values, counted.abs().sort().values, rtol=1e-3, atol=1e-4)
    assert after[sizes / matrix.norm() > 0.05].sub(1).abs().max() < 0.5


def test_a_matrix_without_a_gradient_stays(unit):
    moved, still = weights([(3, 3), (3, 3)])
    moved.grad = torch.ones(3, 3)
    before = still.detach().clone()
    Muon([moved, still], **HOW).step()
    assert torch.equal(still, before)


def test_a_closure_is_called_and_its_loss_given_back(unit):
    (weight,) = weights([(2, 3)])

    def loss():
        weight.grad = None
        value = weight.square().sum()
        value.backward()
        return value

    assert Muon([weight], **HOW).step(loss) > 0
