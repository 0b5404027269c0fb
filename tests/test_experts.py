"""tinylm.experts: the fast sum equals a loop over tokens, and the router learns to share the work."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm import pretraining
from tinylm.experts import Experts, balance_loss
from tinylm.transformer import Config, Transformer

CONFIG = Config(20, context=8, d_model=16, n_heads=2, d_feedforward=8)


def spread_out(experts: Experts) -> Experts:
    """The same with weights so large that experts differ."""
    with torch.no_grad():
        for weight in experts.parameters():
            weight.mul_(20)
    return experts


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.data(), st.integers(0, 1000))
def test_the_sum_equals_a_loop_over_tokens(n_experts, data, seed):
    torch.manual_seed(seed)
    experts = spread_out(Experts(CONFIG, n_experts, data.draw(st.integers(2, n_experts)))).eval()
    x = torch.randn(2, 5, CONFIG.d_model)
    slow = torch.zeros_like(x)
    for b in range(2):
        for t in range(5):
            scores = (experts.router.weight @ x[b, t]).tolist()
            best = sorted(range(n_experts), key=lambda i: -scores[i])[: experts.n_active]
            total = sum(torch.tensor(scores[i]).exp() for i in best)
            for i in best:
                slow[b, t] += torch.tensor(scores[i]).exp() / total * experts.experts[i](x[b, t])
    assert_close(experts(x), slow, atol=1e-5, rtol=1e-4)


def test_copies_of_one_layer_are_that_layer():
    torch.manual_seed(0)
    experts = spread_out(Experts(CONFIG, 5, 3))
    for i in range(1, 5):
        experts.experts[i] = copy.deepcopy(experts.experts[0])
    x = torch.randn(3, 7, CONFIG.d_model)
    assert_close(experts(x), experts.experts[0](x))


def test_the_balance_is_one_where_all_get_as_much_and_more_where_some_get_most():
    even = torch.eye(4).repeat(3, 1) * 5  # each expert is the best for a quarter of the tokens
    assert balance_loss(even, even.topk(1).indices).item() == pytest.approx(1)
    same = torch.tensor([[9.0, 9.0, 0.0, 0.0]]).repeat(12, 1)  # two of four get everything
    assert balance_loss(same, same.topk(2).indices).item() == pytest.approx(2, rel=0.01)


def test_in_training_the_balance_joins_the_gradient_and_not_the_output():
    torch.manual_seed(0)
    experts = spread_out(Experts(CONFIG, 4, 2, pull=0.3))
    x = torch.randn(2, 6, CONFIG.d_model)
    experts(x).square().sum().backward()
    found = experts.router.weight.grad.clone()
    experts.zero_grad()
    scores, chosen, _ = experts.route(x.flatten(0, 1))
    (experts.eval()(x).square().sum() + 0.3 * balance_loss(scores, chosen)).backward()
    assert_close(found, experts.router.weight.grad)
    assert torch.equal(experts.train()(x), experts.eval()(x))


def test_a_pull_spreads_the_tokens_out():
    torch.manual_seed(0)
    experts, x = spread_out(Experts(CONFIG, 6, 2, pull=1.0)), torch.randn(400, CONFIG.d_model)
    x += 2 * torch.randn(CONFIG.d_model)  # tokens that are much alike, so that few experts get them
    before = experts.load(x)
    stepper = torch.optim.Adam([experts.router.weight], lr=0.02)
    for _ in range(100):
        (0 * experts(x).sum()).backward()
        stepper.step()
        stepper.zero_grad()
    after = experts.load(x)
    assert before.sum() == pytest.approx(1)
    assert after.std() < before.std() / 2


def test_a_model_with_experts_is_trained_by_the_loop_as_it_stands():
    torch.manual_seed(0)
    model = Transformer(CONFIG)
    for block in model.blocks:
        block.feedforward = Experts(CONFIG, 3, 2)
    ids = torch.arange(200) % 20
    history = pretraining.train(model, ids, 60, batch_size=4, progress=None)
    assert history.training[-1] < history.training[0] - 1
    assert all(block.feedforward.load(torch.randn(9, 16)).sum() == pytest.approx(1) for block in model.blocks)


def test_in_bfloat16_the_result_is_the_same_but_for_rounding():
    torch.manual_seed(0)
    experts, x = spread_out(Experts(CONFIG, 4, 4)).eval(), torch.randn(2, 5, CONFIG.d_model)
    with torch.no_grad():
        exact = experts(x)
        with torch.autocast("cpu", torch.bfloat16):
            assert_close(experts(x), exact, atol=0.02, rtol=0.05)


@pytest.mark.parametrize("n_active", [1, 5])
def test_too_few_or_too_many_active_experts_are_refused(n_active):
    with pytest.raises(ValueError, match=f"n_active={n_active} must be at least 2 and at most n_experts=4"):
        Experts(CONFIG, 4, n_active)
