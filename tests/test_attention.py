"""tinylm.attention, held against loops that anyone can check by eye."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm.attention import RMSNorm, attend, attention_weights, rotate, rotations
from tinylm.transformer import Config, Transformer

sizes = st.integers(1, 5)


def loop_weights(q, k, causal, mask=None):
    """Attention weights as one would compute them with paper and pencil: every query, every key, alone."""
    batch, heads, n_queries, d_head = q.shape
    n_keys, per_group = k.shape[2], heads // k.shape[1]
    weights = torch.zeros(batch, heads, n_queries, n_keys, dtype=q.dtype)
    queries, keys = q.tolist(), k.tolist()
    for b in range(batch):
        for h in range(heads):
            for t in range(n_queries):
                position = n_keys - n_queries + t  # the queries are the last positions
                scores = {
                    s: sum(queries[b][h][t][d] * keys[b][h // per_group][s][d] for d in range(d_head))
                    for s in range(n_keys)
                    if (not causal or s <= position) and (mask is None or mask[b, h, t, s])
                }
                total = sum(math.exp(score / math.sqrt(d_head)) for score in scores.values())
                for s, score in scores.items():  # none, where everything is forbidden: a row of zeros
                    weights[b, h, t, s] = math.exp(score / math.sqrt(d_head)) / total
    return weights


@st.composite
def heads(draw):
    """Random queries, keys and values: any batch, any grouping of heads, no fewer keys than queries."""
    batch, groups, per_group, n_queries, earlier, half = (draw(sizes) for _ in range(6))
    n_keys = n_queries + earlier - 1
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    q = torch.randn(batch, groups * per_group, n_queries, 2 * half, generator=random, dtype=torch.float64)
    k, v = torch.randn(2, batch, groups, n_keys, 2 * half, generator=random, dtype=torch.float64)
    mask = None
    if draw(st.booleans()):
        mask = torch.rand(batch, groups * per_group, n_queries, n_keys, generator=random) < 0.5
    return q, k, v, draw(st.booleans()), mask


@settings(deadline=None, max_examples=40)
@given(heads())
def test_attention_equals_a_naive_loop(case):
    q, k, v, causal, mask = case
    expected = loop_weights(q, k, causal, mask)
    assert_close(attention_weights(q, k, causal, mask), expected)
    per_group = q.shape[1] // k.shape[1]
    for head in range(q.shape[1]):
        taken = expected[:, head] @ v[:, head // per_group]
        assert_close(attend(q, k, v, causal, mask)[:, head], taken)


@settings(deadline=None, max_examples=40)
@given(heads())
def test_rows_of_weights_sum_to_one_or_are_zero_where_all_is_forbidden(case):
    q, k, _, causal, mask = case
    q.requires_grad_()
    weights = attention_weights(q, k, causal, mask)
    assert (weights >= 0).all()
    some = (loop_weights(q, k, causal, mask) > 0).any(-1)
    assert_close(weights.sum(-1), some.double())
    weights.square().sum().backward()
    assert q.grad.isfinite().all()


@settings(deadline=None, max_examples=40)
@given(heads())
def test_in_bfloat16_attention_is_the_same_but_for_rounding(case):
    q, k, v, causal, mask = case
    exact = attend(q, k, v, causal, mask)
    rounded = attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), causal, mask)
    assert rounded.dtype == torch.bfloat16
    assert_close(rounded.double(), exact, atol=0.05, rtol=0.05)


def test_equal_keys_share_the_weight_equally():
    q, k = torch.randn(1, 1, 4, 2), torch.zeros(1, 1, 4, 2)
    assert_close(attention_weights(q, k)[0, 0], torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None])


def test_large_scores_stay_finite():
    q = torch.full((1, 1, 3, 4), 1e4)
    assert torch.isfinite(attention_weights(q, q)).all()
    assert torch.isfinite(attend(q, q, q)).all()


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_later_token_never_changes_earlier_logits(data):
    torch.manual_seed(data.draw(st.integers(0, 1000)))
    model = Transformer(Config(vocab_size=17, context=12, d_model=16, n_heads=4, n_kv_heads=2)).eval()
    ids = torch.randint(17, (2, 12))
    position = data.draw(st.integers(1, 11), label="changed position")
    changed = ids.clone()
    changed[:, position] = (ids[:, position] + 1) % 17
    with torch.no_grad():
        before, after = model(ids), model(changed)
    assert torch.equal(before[:, :position], after[:, :position])
    assert not torch.allclose(before[:, position:], after[:, position:])


def test_without_causal_the_first_position_sees_the_last():
    torch.manual_seed(0)
    model = Transformer(Config(vocab_size=17, causal=False)).eval()
    ids = torch.randint(17, (1, 8))
    changed = ids.clone()
    changed[0, -1] = (ids[0, -1] + 1) % 17
    assert not torch.allclose(model(ids)[:, 0], model(changed)[:, 0])


@settings(deadline=None, max_examples=40)
@given(half=st.integers(1, 16), start=st.integers(0, 5000), seed=st.integers(0, 1000))
def test_rotation_keeps_lengths(half, start, seed):
    x = torch.randn(2, 3, 7, 2 * half, generator=torch.Generator().manual_seed(seed))
    turned = rotate(x, *rotations(torch.arange(start, start + 7), 2 * half))
    assert_close(turned.norm(dim=-1), x.norm(dim=-1))


@settings(deadline=None, max_examples=40)
@given(half=st.integers(1, 16), shift=st.integers(0, 300), seed=st.integers(0, 1000))
def test_rotated_scores_depend_on_the_distance_only(half, shift, seed):
    q, k = torch.randn(2, 1, 1, 6, 2 * half, generator=torch.Generator().manual_seed(seed))

    def scores(start):
        rotation = rotations(torch.arange(start, start + 6), 2 * half)
        return rotate(q, *rotation) @ rotate(k, *rotation).transpose(-2, -1)

    assert_close(scores(shift), scores(0), atol=2e-3, rtol=1e-3)  # angles of large positions round in float32


def test_position_zero_is_not_turned():
    x = torch.randn(1, 1, 1, 8)
    assert torch.equal(rotate(x, *rotations(torch.tensor([0]), 8)), x)


def test_channel_pairs_turn_by_the_angles_of_the_paper():
    cos, sin = rotations(torch.tensor([3]), 4, theta=100.0)
    for channel in range(2):
        angle = 3 * 100.0 ** (-2 * channel / 4)
        x = torch.zeros(1, 1, 1, 4)
        x[..., channel] = 1.0
        expected = torch.zeros(1, 1, 1, 4)
        expected[..., channel], expected[..., channel + 2] = math.cos(angle), math.sin(angle)
        assert_close(rotate(x, cos, sin), expected)


@pytest.mark.parametrize("qk_norm", [False, True])
def test_maps_are_the_weights_that_the_model_uses(qk_norm):
    torch.manual_seed(1)
    config = Config(vocab_size=11, n_layers=1, d_model=16, n_heads=4, n_kv_heads=2, qk_norm=qk_norm)
    model = Transformer(config).eval()
    ids = torch.randint(11, (2, 6))
    layer = model.blocks[0].attention
    with torch.no_grad():
        maps = model.attention_maps(ids)
        x = model.blocks[0].attention_norm(model.embedding(ids))
        values = layer.heads(x, model.rotation(6))[2].repeat_interleave(2, dim=1)  # (B, H, T, D)
        by_hand = layer.output((maps[0] @ values).transpose(1, 2).flatten(2))
        assert_close(layer(x, model.rotation(6)), by_hand)
    assert maps.shape == (1, 2, 4, 6, 6)


def test_a_layer_knows_distances_but_no_positions():
    torch.manual_seed(2)
    model = Transformer(Config(vocab_size=11, n_layers=1, d_model=16, n_heads=4, n_kv_heads=2))
    layer, x = model.blocks[0].attention, torch.randn(2, 6, 16)
    with torch.no_grad():
        for weights in layer.parameters():
            weights.mul_(30)  # far from the near-uniform attention of an untrained layer
        here = layer(x, model.rotation(6))
        assert_close(layer(x, model.rotation(6, start=40)), here, atol=1e-3, rtol=1e-3)
        swapped = x[:, [1, 0, 2, 3, 4, 5]]  # the same two neighbours, at other distances
        assert (layer(swapped, model.rotation(6))[:, 2:] - here[:, 2:]).abs().max() > 0.1


@given(st.integers(1, 9), st.integers(0, 1000), st.sampled_from([1e-5, 1e-2]))
def test_the_norm_is_that_of_pytorch(n_channels, seed, eps):
    ours, theirs = RMSNorm(n_channels, eps), torch.nn.RMSNorm(n_channels, eps)
    generator = torch.Generator().manual_seed(seed)
    x, weight = (
        torch.randn(2, 3, n_channels, generator=generator),
        torch.randn(n_channels, generator=generator),
    )
    for norm in (ours, theirs):
        norm.weight.data.copy_(weight)
    assert_close(ours(x), theirs(x))
    assert ours.bfloat16()(x.bfloat16()).dtype == torch.bfloat16
