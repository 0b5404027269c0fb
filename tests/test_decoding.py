"""tinylm.decoding: the cache changes the time, the seed changes the text, nothing else does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm.decoding import Cache, choose, generate
from tinylm.transformer import Config, Transformer


def model_of(seed: int, context: int = 10, groups: int = 2, **sizes) -> Transformer:
    """A small random model whose logits differ enough for its choices to be clear."""
    torch.manual_seed(seed)
    config = Config(vocab_size=23, context=context, d_model=16, n_heads=4, n_kv_heads=groups, **sizes)
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    return model


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    batch=st.integers(1, 3),
    prompt=st.integers(1, 25),
    n_tokens=st.integers(0, 25),
    context=st.integers(1, 12),
    groups=st.sampled_from([1, 2, 4]),
    temperature=st.sampled_from([0, 0.7, 1.0]),
)
def test_the_cache_gives_the_same_text_within_and_beyond_the_context(
    seed, batch, prompt, n_tokens, context, groups, temperature
):
    model = model_of(seed, context, groups)
    start = torch.randint(23, (batch, prompt))
    cached, plain = (
        generate(model, start, n_tokens, temperature, seed, use_cache) for use_cache in (True, False)
    )
    assert torch.equal(cached, plain)
    assert cached.shape == (batch, prompt + n_tokens)
    assert torch.equal(cached[:, :prompt], start)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), cuts=st.sets(st.integers(1, 9)), qk_norm=st.booleans())
def test_the_cache_gives_the_same_logits_in_portions_of_any_size(seed, cuts, qk_norm):
    model = model_of(seed, qk_norm=qk_norm)
    ids = torch.randint(23, (2, 10))
    cache = Cache(model, 2)
    with torch.no_grad():
        portions = [model(part, cache=cache) for part in ids.tensor_split(sorted(cuts), dim=1)]
        assert_close(torch.cat(portions, dim=1), model(ids), atol=1e-4, rtol=1e-4)
    assert cache.length == 10


def test_greedy_text_is_the_most_probable_token_each_time():
    model, ids = model_of(0, context=30), torch.tensor([[3, 1]])
    for _ in range(12):
        ids = torch.cat((ids, model(ids)[:, -1:].argmax(-1)), dim=1)
    assert torch.equal(generate(model, torch.tensor([[3, 1]]), 12, temperature=0), ids)


def test_a_batch_goes_on_as_each_prompt_alone_would():
    model, prompts = model_of(1), torch.randint(23, (4, 6))
    together = generate(model, prompts, 15, temperature=0)
    assert torch.equal(together, torch.cat([generate(model, p[None], 15, temperature=0) for p in prompts]))


def test_the_same_seed_gives_the_same_text_and_another_seed_another():
    model, prompt = model_of(2), torch.tensor([[5]])
    first, again, other = (generate(model, prompt, 30, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_a_seed_each_text_is_new_and_the_global_seed_stays_untouched():
    model, prompt = model_of(2), torch.tensor([[5]])
    before = torch.get_rng_state()
    assert not torch.equal(generate(model, prompt, 30), generate(model, prompt, 30))
    assert torch.equal(torch.get_rng_state(), before)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_temperature_zero_takes_the_highest_logit(seed):
    logits = torch.randn(5, 11, generator=torch.Generator().manual_seed(seed))
    assert choose(logits, 0).tolist() == [max(range(11), key=row.__getitem__) for row in logits.tolist()]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_softmax_of_the_tempered_logits(temperature):
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    draws = choose(logits.expand(40_000, 4), temperature, torch.Generator().manual_seed(0))
    expected = (logits / temperature).exp() / (logits / temperature).exp().sum()
    assert_close(draws.bincount(minlength=4) / 40_000, expected, atol=0.012, rtol=0)  # 5 standard errors


def test_training_mode_and_weights_are_as_they_were():
    model = model_of(3).train()
    before = [p.clone() for p in model.parameters()]
    generate(model, torch.tensor([[1]]), 3)
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_generated_text_can_be_trained_on():
    model = model_of(4)
    model(generate(model, torch.tensor([[1]]), 5)).sum().backward()
    assert model.embedding.weight.grad is not None


def test_an_empty_prompt_and_a_negative_temperature_are_refused():
    with pytest.raises(ValueError, match="the prompt is empty: give at least one token"):
        generate(model_of(0), torch.zeros(1, 0, dtype=torch.long), 3)
    with pytest.raises(ValueError, match=r"temperature=-0\.5 must not be negative"):
        choose(torch.zeros(1, 3), -0.5)
