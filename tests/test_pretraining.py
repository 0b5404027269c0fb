"""tinylm.pretraining: training learns, repeats, and leaves nothing behind but a better model."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm import processors
from tinylm.pretraining import (
    evaluate,
    learning_rate,
    next_token_loss,
    optimizers,
    shuffled,
    train,
    windows,
)
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


@given(st.integers(1, 40), st.integers(2, 30), st.integers(0, 5))
def test_windows_of_a_text_in_rows_begin_where_rows_begin(n_rows, length, n_pass):
    starts = shuffled((n_rows + 1) * length, length, 0, n_pass, rows=True)
    assert sorted(starts.tolist()) == [i * length for i in range(n_rows)]


def test_gradients_left_by_someone_else_do_not_count():
    model = new_model()
    next_token_loss(model(IDS[None, :16]), IDS[None, 1:17]).backward()
    assert quick_train(model).training == quick_train().training


def test_looking_does_not_change_the_training():
    def look(step, model):
        torch.rand(3)  # draws from the global generator, as a reader's own cell might
        evaluate(model, IDS)

    def model_with_dropout():  # which draws from the global generator at every step
        model = new_model()
        for block in model.blocks:
            block.feedforward.register_forward_hook(lambda module, _, y: F.dropout(y, 0.3, module.training))
        torch.manual_seed(1)
        return model

    looked = quick_train(model_with_dropout(), validation=IDS, evaluate_every=1, on_evaluate=look).training
    assert looked == quick_train(model_with_dropout()).training
    assert looked != quick_train().training


def test_the_model_trains_on_the_fastest_device_and_is_at_home_for_each_look_and_at_the_end(monkeypatch):
    gpu, journey = torch.device("cpu:0"), []  # another name for the same place, so that it works anywhere

    class Traveller(Transformer):
        def to(self, device):
            journey.append(device)
            return super().to(device)

    monkeypatch.setattr(processors, "fastest", lambda home: gpu)
    model = Traveller(Config(vocab_size=128, context=16, d_model=32, n_heads=2))
    look = {"evaluate_every": N_STEPS, "on_evaluate": lambda step, model: journey.append(step)}
    quick_train(model, **look)
    home = torch.device("cpu")
    assert journey == [gpu, home, 0, home, home, N_STEPS, home, home]
    journey.clear()
    quick_train(model, device=home)
    assert gpu not in journey, "a caller who says where is obeyed"


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


@pytest.mark.parametrize("accumulate", [2, 4])
def test_a_batch_in_parts_gives_the_losses_of_the_whole(accumulate):
    whole, parts = (quick_train(accumulate=n, precision="float32").training for n in (1, accumulate))
    assert parts == pytest.approx(whole, abs=1e-3)


def test_bfloat16_gives_the_losses_of_float32_but_for_rounding():
    half, full = (quick_train(precision=precision).training for precision in ("bfloat16", "float32"))
    assert half != full
    assert half == pytest.approx(full, abs=0.05)


@pytest.mark.parametrize("able", [True, False])
def test_by_itself_it_takes_bfloat16_where_the_processor_is_able(monkeypatch, able):
    monkeypatch.setattr(processors, "has_bfloat16", lambda device: able)
    assert quick_train().training == quick_train(precision="bfloat16" if able else "float32").training


@pytest.mark.skipif(
    not processors.can_compile(torch.device("cpu")), reason="no compiler, or a space in PyTorch's path"
)
def test_a_compiled_training_has_the_losses_of_one_that_is_not():
    torch.manual_seed(0)
    model = Transformer(Config(vocab_size=128, context=8, n_layers=1, d_model=16, n_heads=2))
    slow, fast = (
        quick_train(copy.deepcopy(model), compiled=c, precision="float32", n_steps=10) for c in (False, True)
    )
    assert fast.training == pytest.approx(slow.training, abs=1e-3)


def test_adamw_alone_trains_all_parameters():
    model = new_model()
    steppers = optimizers(model, None, 0.01)
    assert [type(stepper).__name__ for stepper in steppers] == ["AdamW"]
    assert {id(p) for p in steppers[0].param_groups[0]["params"]} == {id(p) for p in model.parameters()}
    assert quick_train(matrix_rate=None).training[-1] < quick_train(matrix_rate=None).training[0]


def test_muon_and_adamw_share_the_parameters_out():
    model = new_model()
    muon, adamw = (stepper.param_groups[0]["params"] for stepper in optimizers(model, 0.02, 0.01))
    assert sorted(map(id, [*muon, *adamw])) == sorted(map(id, model.parameters()))
    assert all(p.dim() == 2 for p in muon)
    assert any(p is model.embedding.weight for p in adamw)


def test_training_ends_once_the_target_is_reached():
    whole = quick_train(validation=IDS, evaluate_every=5)
    target = whole.validation[2]
    history = quick_train(validation=IDS, evaluate_every=5, target_loss=target)
    assert history.steps == [0, 5, 10]
    assert history.training == whole.training[:10]


def test_a_schedule_of_ones_own_decides_the_rates_of_every_step():
    asked, still = [], new_model()
    before = copy.deepcopy(still.state_dict())
    quick_train(still, schedule=lambda step: asked.append(step) or 0.0)
    assert asked == list(range(N_STEPS))
    assert all(torch.equal(before[name], value) for name, value in still.state_dict().items())
    usual = quick_train()
    given = quick_train(schedule=lambda step: learning_rate(step, N_STEPS, 5))
    assert given.training == usual.training


def test_every_step_is_told():
    told = []
    history = quick_train(on_step=lambda step, loss: told.append((step, loss)))
    assert told == list(enumerate(history.training, start=1))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"target_loss": 2.0, "evaluate_every": 5}, "target_loss is a loss on `validation`: give that too"),
        ({"precision": "float8"}, "precision='float8' is not one of auto, float32, bfloat16"),
        ({"accumulate": 3}, "batch_size=4 is not a multiple of 3, the number of processes times"),
    ],
)
def test_settings_that_do_not_fit_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        quick_train(**setting)


@given(
    n_tokens=st.integers(2, 300), length=st.integers(1, 30), seed=st.integers(0, 9), n_pass=st.integers(0, 3)
)
def test_a_pass_is_every_window_once_and_each_pass_is_cut_elsewhere(n_tokens, length, seed, n_pass):
    assume(n_tokens > length)
    starts = shuffled(n_tokens, length, seed, n_pass).sort().values
    assert (starts.diff() == length).all()
    assert starts[0] >= 0
    assert starts[-1] + length < n_tokens
    offsets = {shuffled(100_000, 50, seed, n).min().item() for n in range(6)}
    assert len(offsets) > 1


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
