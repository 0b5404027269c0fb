"""tinylm.inference: NumPy and PyTorch give one answer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm.decoding import Cache, generate
from tinylm.inference import NumpyTransformer
from tinylm.transformer import Config, Transformer


@st.composite
def models(draw) -> Transformer:
    """Any sizes, with weights, scales among them, that differ enough for choices to be clear."""
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    d_head = draw(st.sampled_from([2, 8]))
    torch.manual_seed(draw(st.integers(0, 1000)))
    model = Transformer(
        Config(
            vocab_size=23,
            context=draw(st.integers(2, 12)),
            n_layers=draw(st.integers(1, 3)),
            d_model=groups * per_group * d_head,
            n_heads=groups * per_group,
            n_kv_heads=groups,
            d_head=d_head,
            qk_norm=draw(st.booleans()),
            tied=draw(st.booleans()),
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4).add_(0.1 * torch.randn_like(parameter))
    return model


@settings(deadline=None, max_examples=60)
@given(models(), st.data())
def test_logits_are_those_of_pytorch_with_and_without_a_cache(model, data):
    fast = NumpyTransformer(model)
    n_rows, n_tokens = data.draw(st.integers(1, 3)), data.draw(st.integers(1, model.config.context))
    ids = torch.randint(23, (n_rows, n_tokens))
    padding = None
    if data.draw(st.booleans()):
        padding = torch.tensor(
            data.draw(st.lists(st.integers(0, n_tokens - 1), min_size=n_rows, max_size=n_rows))
        )
    with torch.no_grad():
        expected = model(ids, padding=padding)
    seen = torch.arange(n_tokens) >= (torch.zeros(n_rows) if padding is None else padding)[:, None]
    assert_close(fast(ids, padding=padding)[seen], expected[seen], atol=1e-3, rtol=1e-3)
    cache = Cache(fast, n_rows)
    cuts = sorted(data.draw(st.sets(st.integers(1, n_tokens), max_size=3)) - {n_tokens})
    portions = [fast(part, cache=cache, padding=padding) for part in ids.tensor_split(cuts, dim=1)]
    assert_close(torch.cat(portions, dim=1)[seen], expected[seen], atol=1e-3, rtol=1e-3)


@settings(deadline=None, max_examples=30)
@given(
    model=models(),
    prompts=st.lists(st.lists(st.integers(0, 22), min_size=1, max_size=20), min_size=1, max_size=3),
    temperature=st.sampled_from([0, 1.0]),
    use_cache=st.booleans(),
)
def test_it_writes_what_the_model_writes(model, prompts, temperature, use_cache):
    how = {"temperature": temperature, "seed": 0, "use_cache": use_cache}
    assert generate(NumpyTransformer(model), prompts, 20, **how) == generate(model, prompts, 20, **how)


def test_it_is_a_copy_in_float32_of_models_in_any_precision():
    torch.manual_seed(0)
    model = Transformer(Config(23)).bfloat16()
    fast = NumpyTransformer(model)
    ids = torch.tensor([[1, 2, 3]])
    before = fast(ids)
    assert before.dtype == torch.float32
    assert_close(before, model.float()(ids).detach(), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        for block in model.blocks:
            block.feedforward.down.weight.zero_()
    assert torch.equal(fast(ids), before)


def test_a_model_that_looks_ahead_is_refused():
    with pytest.raises(ValueError, match="the model is not causal"):
        NumpyTransformer(Transformer(Config(23, causal=False)))
