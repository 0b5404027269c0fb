"""tinylm.transformer: sizes that fit are counted exactly, sizes that do not are refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm.transformer import Config, Transformer


@st.composite
def configs(draw):
    """Any sizes that fit each other."""
    groups, per_group, half_head = (draw(st.integers(1, 3)) for _ in range(3))
    n_heads = groups * per_group
    return Config(
        vocab_size=draw(st.integers(2, 40)),
        context=16,
        n_layers=draw(st.integers(1, 3)),
        d_model=n_heads * 2 * half_head,
        n_heads=n_heads,
        n_kv_heads=groups,
        d_head=draw(st.none() | st.sampled_from([2, 6])),
        d_feedforward=draw(st.none() | st.integers(1, 20)),
        qk_norm=draw(st.booleans()),
        tied=draw(st.booleans()),
        causal=draw(st.booleans()),
    )


@settings(deadline=None, max_examples=40)
@given(configs())
def test_parameters_are_counted_by_the_formula(config):
    channels, d_head = config.d_model, config.d_head
    attention = 2 * channels * (config.n_heads + config.n_kv_heads) * d_head
    feedforward = 3 * channels * config.d_feedforward
    norms = 2 * channels + (2 * d_head if config.qk_norm else 0)
    embeddings = config.vocab_size * channels * (1 if config.tied else 2)
    expected = embeddings + config.n_layers * (attention + feedforward + norms) + channels
    assert Transformer(config).n_parameters == expected


@settings(deadline=None, max_examples=40)
@given(configs(), st.integers(0, 1000))
def test_a_batch_equals_one_at_a_time(config, seed):
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    ids = torch.randint(config.vocab_size, (3, 9))
    with torch.no_grad():
        logits = model(ids)
        assert logits.shape == (3, 9, config.vocab_size)
        assert_close(logits, torch.cat([model(row[None]) for row in ids]), atol=1e-5, rtol=1e-4)


@settings(deadline=None, max_examples=20)
@given(configs())
def test_every_parameter_learns(config):
    model = Transformer(config)
    model(torch.randint(config.vocab_size, (2, 5))).square().sum().backward()
    without = [
        name for name, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()
    ]
    assert without == []


def test_a_mask_hides_what_it_forbids():
    torch.manual_seed(0)
    model = Transformer(Config(vocab_size=9)).eval()
    ids = torch.randint(9, (1, 6))
    changed = ids.clone()
    changed[0, 2] = (ids[0, 2] + 1) % 9
    mask = torch.ones(6, 6, dtype=torch.bool)
    mask[torch.arange(6) != 2, 2] = False  # nobody but position 2 itself looks at position 2
    others = torch.arange(6) != 2
    assert torch.equal(model(ids, mask)[:, others], model(changed, mask)[:, others])
    assert not torch.allclose(model(ids)[:, others], model(changed)[:, others])


@pytest.mark.parametrize("mixed", [False, True])
def test_in_bfloat16_the_logits_are_the_same_but_for_rounding(mixed):
    torch.manual_seed(0)
    model, ids = Transformer(Config(vocab_size=50, qk_norm=True, n_kv_heads=2)), torch.randint(50, (2, 20))
    with torch.no_grad():
        exact = model(ids)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            rounded = (model if mixed else model.bfloat16())(ids)
    assert rounded.dtype == torch.bfloat16
    assert_close(rounded.float(), exact, atol=0.02, rtol=0.05)


def test_an_untrained_model_finds_every_token_about_equally_likely():
    torch.manual_seed(0)
    model = Transformer(Config(vocab_size=100, n_layers=6))
    loss = -model(torch.randint(100, (8, 32))).log_softmax(-1).mean()
    assert loss.item() == pytest.approx(math.log(100), rel=0.02)


def test_tied_models_read_out_with_their_embedding():
    tied, untied = Transformer(Config(vocab_size=9)), Transformer(Config(vocab_size=9, tied=False))
    assert tied.readout.weight is tied.embedding.weight
    assert untied.readout.weight is not untied.embedding.weight


def test_the_inner_width_is_rounded_up_to_a_multiple_of_eight():
    assert Config(vocab_size=9, d_model=64).d_feedforward == 176  # 64 · 8/3 = 170.67
    assert Config(vocab_size=9, d_model=96).d_feedforward == 256  # exactly


def test_a_config_survives_the_trip_through_a_dictionary():
    config = Config(vocab_size=9, n_heads=4, n_kv_heads=2, qk_norm=True, tied=False)
    assert Config(**config.to_dict()) == config


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"vocab_size": 0}, "vocab_size=0 must be at least 1"),
        ({"context": 0}, "context=0 must be at least 1"),
        ({"n_layers": -1}, "n_layers=-1 must be at least 1"),
        ({"d_model": 0}, "d_model=0 must be at least 1"),
        ({"n_heads": 0}, "n_heads=0 must be at least 1"),
        ({"n_kv_heads": 0}, "n_kv_heads=0 must be at least 1"),
        ({"d_feedforward": 0}, "d_feedforward=0 must be at least 1"),
        ({"d_model": 30, "n_heads": 4}, "d_model=30 is not a multiple of n_heads=4"),
        ({"d_model": 12, "n_heads": 4}, "d_head=3 is odd"),
        ({"n_heads": 4, "n_kv_heads": 3}, "n_heads=4 is not a multiple of n_kv_heads=3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_name(sizes, message):
    with pytest.raises(ValueError, match=message):
        Config(**{"vocab_size": 9} | sizes)
