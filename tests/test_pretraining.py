"""tinylm.pretraining: training learns, repeats, and leaves nothing behind but a better model."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm.pretraining import evaluate, learning_rate, next_token_loss, train, windows
from tinylm.transformer import Config, Transformer

IDS = torch.tensor(list(b"the cat sat on the mat and the dog sat on the log. " * 20))
N_STEPS = 25


def new_model(context: int = 16) -> Transformer:
    torch.manual_seed(0)
    return Transformer(Config(vocab_size=128, context=context, d_model=32, n_heads=2))


def quick_train(model=None, **kwargs):
    settings = {"n_steps": N_STEPS, "batch_size": 4, "warm_up": 5, "progress": None} | kwargs
    return train(model or new_model(), IDS, **settings)


@given(st.integers(1, 20), st.lists(st.integers(0, 50), min_size=1, max_size=5))
def test_the_target_is_the_token_that_follows(length, starts):
    ids = torch.arange(1000, 1100)
    inputs, targets = windows(ids, length, torch.tensor(starts))
    assert inputs.shape == targets.shape == (len(starts), length)
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs[:, 0], 1000 + torch.tensor(starts))


def test_the_loss_is_the_mean_surprise_at_what_came():
    logits, targets = torch.randn(2, 3, 5), torch.randint(5, (2, 3))
    probabilities = logits.exp() / logits.exp().sum(-1, keepdim=True)
    surprises = [-math.log(probabilities[b, t, targets[b, t]]) for b in range(2) for t in range(3)]
    assert next_token_loss(logits, targets).item() == pytest.approx(sum(surprises) / 6, rel=1e-5)


def test_training_lowers_the_loss_from_that_of_a_uniform_guess():
    history = quick_train(n_steps=60, validation=IDS, evaluate_every=20)
    assert history.steps == [0, 20, 40, 60]
    assert history.validation[0] == pytest.approx(math.log(128), rel=0.05)
    assert history.validation == sorted(history.validation, reverse=True)
    shares = IDS.bincount() / len(IDS)
    assert history.validation[-1] < -(shares * shares.log()).nansum()  # better than letter frequencies alone
    assert len(history.training) == 60


def test_one_batch_is_learned_by_heart():
    ids = torch.randint(128, (17,), generator=torch.Generator().manual_seed(0))
    model = new_model()
    train(model, ids, n_steps=150, batch_size=1, progress=None)
    assert evaluate(model, ids) < 0.05


def test_the_same_seed_gives_the_same_losses_and_another_seed_others():
    assert quick_train(seed=1).training == quick_train(seed=1).training
    assert quick_train(seed=1).training != quick_train(seed=2).training


def test_gradients_left_by_someone_else_do_not_count():
    model = new_model()
    next_token_loss(model(IDS[None, :16]), IDS[None, 1:17]).backward()
    assert quick_train(model).training == quick_train().training


def test_looking_does_not_change_the_training():
    def look(step, model):
        torch.rand(3)  # draws from the global generator, as a reader's own cell might
        evaluate(model, IDS)

    assert quick_train(validation=IDS, evaluate_every=1, on_evaluate=look).training == quick_train().training


def test_evaluation_is_the_mean_over_windows_that_do_not_overlap():
    model = new_model().train()
    before = copy.deepcopy(model.state_dict())
    by_hand = []
    for start in range(0, 49, 16):  # 65 tokens: four windows of 16, each with the token after it
        logits = model(IDS[None, start : start + 16])
        by_hand.append(next_token_loss(logits, IDS[None, start + 1 : start + 17]).item())
    assert evaluate(model, IDS[:65]) == pytest.approx(sum(by_hand) / 4, rel=1e-5)
    assert evaluate(model, IDS[:65], batch_size=3) == pytest.approx(sum(by_hand) / 4, rel=1e-5)
    assert model.training
    assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)


def test_a_text_of_one_window_is_enough_and_one_token_less_is_not():
    assert math.isfinite(evaluate(new_model(), IDS[:17]))
    with pytest.raises(ValueError, match="16 tokens are too few for one window of 16 and the token after it"):
        evaluate(new_model(), IDS[:16])


def test_a_short_text_is_refused_before_any_training():
    with pytest.raises(ValueError, match="10 tokens are too few"):
        train(new_model(), IDS[:10], 1, progress=None)
    with pytest.raises(ValueError, match="10 tokens are too few"):
        quick_train(validation=IDS[:10])


def test_a_token_that_the_model_does_not_have_is_named():
    foreign = IDS.clone()
    foreign[500] = 999
    with pytest.raises(ValueError, match=r"token id 999 is outside .* 128: .* another tokenizer\?"):
        train(new_model(), foreign, 1, progress=None)


def test_a_loss_that_is_no_number_stops_the_training():
    model = new_model()
    with torch.no_grad():
        model.norm.weight.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="the loss became nan at step 0: lower the learning rates"):
        quick_train(model)


def test_an_interrupted_training_keeps_what_was_learned(capsys):
    def interrupt(step, model):
        if step == 20:
            raise KeyboardInterrupt

    model = new_model()
    history = quick_train(model, validation=IDS, evaluate_every=10, on_evaluate=interrupt)
    assert "stopped after 20 of 25 steps" in capsys.readouterr().out
    assert len(history.training) == 20
    assert not model.training
    assert evaluate(model, IDS) == pytest.approx(history.validation[-1])
    assert history.validation[-1] < history.validation[0]


def test_a_model_is_ready_to_use_after_training():
    model = new_model()
    quick_train(model)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


@given(st.integers(1, 200), st.integers(0, 100))
def test_the_learning_rate_rises_in_a_line_then_falls_in_a_line_to_zero(n_steps, warm_up):
    rates = [learning_rate(step, n_steps, warm_up) for step in range(n_steps + 1)]
    assert all(0 < rate <= 1 for rate in rates[:-1])
    assert rates[-1] == 0
    assert rates[:warm_up][:n_steps] == pytest.approx(
        [(step + 1) / warm_up for step in range(min(warm_up, n_steps))]
    )
    if warm_up < n_steps:
        assert rates[warm_up] == 1
        down = [a - b for a, b in zip(rates[warm_up:], rates[warm_up + 1 :], strict=False)]
        assert down == pytest.approx([1 / (n_steps - warm_up)] * len(down))
