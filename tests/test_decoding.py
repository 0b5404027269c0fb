"""tinylm.decoding: the cache changes the time, the seed changes the text, nothing else does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm import decoding, tokens
from tinylm.decoding import (
    Cache,
    choose,
    generate,
    penalized,
    probabilities,
    stream,
    trace,
    write,
    write_all,
)
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
        generate(model, start, n_tokens, temperature=temperature, seed=seed, use_cache=use_cache)
        for use_cache in (True, False)
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


ragged_prompts = st.lists(
    st.lists(st.integers(0, 22), min_size=1, max_size=25), min_size=1, max_size=4
)  # shorter and longer than the context of 10, next to each other


@settings(deadline=None, max_examples=40)
@given(
    prompts=ragged_prompts,
    seed=st.integers(0, 1000),
    temperature=st.sampled_from([0, 1.0]),
    use_cache=st.booleans(),
)
def test_prompts_of_different_lengths_go_on_as_each_alone_would(prompts, seed, temperature, use_cache):
    model, how = model_of(seed).double(), {"temperature": temperature, "use_cache": use_cache}
    together = generate(model, prompts, 15, seed=seed, **how)
    alone = [generate(model, [prompt], 15, seed=seed + i, **how)[0] for i, prompt in enumerate(prompts)]
    assert together == alone
    assert [row[: len(prompt)] for row, prompt in zip(together, prompts, strict=True)] == prompts


@settings(deadline=None, max_examples=30)
@given(prompts=ragged_prompts, seed=st.integers(0, 1000), qk_norm=st.booleans(), causal=st.booleans())
def test_padding_changes_no_logits_of_the_text_beside_it(prompts, seed, qk_norm, causal):
    model = model_of(seed, context=25, qk_norm=qk_norm, causal=causal).double()
    ids, padding = decoding._side_by_side(prompts, model.device)
    with torch.no_grad():
        together = model(ids, padding=padding)
        assert together.isfinite().all()
        for row, prompt in zip(together, prompts, strict=True):
            assert_close(row[-len(prompt) :], model(torch.tensor([prompt]))[0], atol=1e-11, rtol=1e-9)


def test_a_list_gives_lists_and_a_tensor_gives_a_tensor():
    model = model_of(1)
    rows = generate(model, torch.tensor([[1, 2, 3]]), 4, temperature=0)
    assert generate(model, [[1, 2, 3]], 4, temperature=0) == rows.tolist()
    assert generate(model, [[1], [2, 3]], 0) == [[1], [2, 3]]


def test_tokens_stream_one_by_one_and_only_as_many_as_are_asked_for():
    model, calls = model_of(1), []
    model.register_forward_hook(lambda *_: calls.append(1))
    tokens_of = stream(model, [[1, 2]], 1_000_000, temperature=0)
    first = [next(tokens_of).item() for _ in range(3)]
    assert len(calls) == 3
    assert first == generate(model, [[1, 2]], 3, temperature=0)[0][2:]


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
    best = [max(range(11), key=row.__getitem__) for row in logits.tolist()]
    assert choose(probabilities(logits, 0), torch.rand(5)).tolist() == best


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_softmax_of_the_tempered_logits(temperature):
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    p = probabilities(logits, temperature)
    draws = choose(p.expand(40_000, 4), torch.rand(40_000, generator=torch.Generator().manual_seed(0)))
    expected = (logits / temperature).exp() / (logits / temperature).exp().sum()
    assert_close(p, expected)
    assert_close(draws.bincount(minlength=4) / 40_000, expected, atol=0.012, rtol=0)  # 5 standard errors


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0]), min_size=1, max_size=8).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_a_choice_is_the_first_token_whose_running_sum_passes_the_draw(weights, draw):
    p = torch.tensor([weights], dtype=torch.float64) / sum(weights)
    chosen = choose(p, torch.tensor([draw], dtype=torch.float64)).item()
    assert p[0, chosen] > 0
    sums = p[0].cumsum(0)
    assert sums[chosen] > draw * sums[-1]
    assert chosen == 0 or sums[chosen - 1] <= draw * sums[-1]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 1000),
    temperature=st.sampled_from([0.3, 1.0, 1.7]),
    top_k=st.none() | st.integers(1, 15),
    top_p=st.none() | st.floats(0.05, 1),
    min_p=st.none() | st.floats(0.01, 1),
)
def test_the_settings_of_sampling_mean_what_they_mean_in_transformers(seed, temperature, top_k, top_p, min_p):
    transformers = pytest.importorskip("transformers")
    logits = 3 * torch.randn(4, 12, generator=torch.Generator().manual_seed(seed))
    theirs = transformers.TemperatureLogitsWarper(temperature)(None, logits)
    if top_k:
        theirs = transformers.TopKLogitsWarper(top_k)(None, theirs)
    if top_p and top_p < 1:
        theirs = transformers.TopPLogitsWarper(top_p)(None, theirs)
    if min_p:
        theirs = transformers.MinPLogitsWarper(min_p)(None, theirs)
    assert_close(
        probabilities(logits, temperature, top_k, top_p, min_p), theirs.softmax(-1), atol=1e-5, rtol=1e-4
    )


LETTERS = tokens.train("", 256)  # one token is one byte


def bytes_model(seed: int = 0) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(Config(vocab_size=256, context=16, d_model=16, n_heads=2, tied=False)).eval()
    with torch.no_grad():
        model.embedding.weight.mul_(50)
        model.readout.weight[LETTERS.encode("abc€")] *= 60  # writes these bytes most of the time
    return model


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 200),
    stop=st.lists(st.text("abc", min_size=1, max_size=3), max_size=3),
)
def test_a_text_ends_before_its_first_stop_string(seed, stop):
    model = bytes_model()
    whole = "".join(write(model, LETTERS, "a", 60, seed=seed))
    ends = [whole.find(word) for word in stop if word in whole]
    pieces = list(write(model, LETTERS, "a", 60, stop=stop, seed=seed))
    assert "".join(pieces) == whole[: min(ends, default=len(whole))]
    assert "" not in pieces
    expected = LETTERS.decode(generate(model, [LETTERS.encode("a")], 60, seed=seed)[0][1:])
    assert expected.startswith(whole)  # but for the bytes of a last, unfinished character
    assert set(expected[len(whole) :]) <= {"\N{REPLACEMENT CHARACTER}"}


def test_several_texts_at_once_are_those_of_each_alone():
    model, prompts = bytes_model(), ["a", "abc", "bbbbbb"]
    together = write_all(model, LETTERS, prompts, 40, stop="a", seed=5)
    alone = ["".join(write(model, LETTERS, p, 40, stop="a", seed=5 + i)) for i, p in enumerate(prompts)]
    assert together == alone
    assert len({len(text) for text in together}) > 1


def test_nothing_is_computed_once_every_text_has_stopped():
    model, calls = bytes_model(), []
    model.register_forward_hook(lambda *_: calls.append(1))
    write_all(model, LETTERS, ["a", "b"], 10_000, stop=["a", "b", "c"], seed=0)
    assert len(calls) < 200


def test_a_character_comes_whole():
    tokenizer = tokens.train("", 256)
    row = decoding._Row(tokenizer, ())
    assert [row.hear(token) for token in tokenizer.encode("a€b")] == ["a", "", "", "€", "b"]


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


def test_what_cannot_be_continued_is_refused():
    for prompts in (torch.zeros(1, 0, dtype=torch.long), [], [[1], []]):
        with pytest.raises(ValueError, match="the prompt is empty: give at least one token"):
            generate(model_of(0), prompts, 3)
    with pytest.raises(ValueError, match="a stop string is empty"):
        list(write(bytes_model(), LETTERS, "a", 3, stop=["b", ""]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"temperature": -0.5}, r"temperature=-0\.5 must not be negative"),
        ({"top_k": 0}, "top_k=0 must be at least 1"),
        ({"top_p": 0.0}, r"top_p=0\.0 must lie above 0"),
        ({"top_p": 1.5}, r"top_p=1\.5 must lie above 0 and at most at 1"),
        ({"min_p": -1.0}, r"min_p=-1\.0 must lie above 0"),
    ],
)
def test_settings_outside_their_range_are_refused_by_name(setting, message):
    with pytest.raises(ValueError, match=message):
        generate(model_of(0), [[1]], 2, **setting)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    repetition=st.sampled_from([0.5, 1.0, 1.3]),
    presence=st.sampled_from([0, 0.7]),
    frequency=st.sampled_from([0, 0.4]),
    n_written=st.integers(0, 8),
)
def test_penalties_are_what_a_loop_over_the_tokens_takes_away(
    seed, repetition, presence, frequency, n_written
):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 5, generator=generator)
    written = torch.randint(5, (2, n_written), generator=generator)
    expected = logits.clone()
    for row, token in ((b, v) for b in range(2) for v in range(5)):
        n = written[row].tolist().count(token)
        if n:
            logit = logits[row, token]
            expected[row, token] = logit / repetition if logit > 0 else logit * repetition
            expected[row, token] -= presence + frequency * n
    assert_close(penalized(logits, written, repetition, presence, frequency), expected)


def test_the_penalty_on_repetition_is_that_of_transformers():
    transformers = pytest.importorskip("transformers")
    logits, written = torch.randn(3, 11), torch.randint(11, (3, 6))
    theirs = transformers.RepetitionPenaltyLogitsProcessor(1.3)(written, logits.clone())
    assert_close(penalized(logits, written, repetition=1.3), theirs)
    with pytest.raises(ValueError, match="repetition=0 must be positive; 1 changes nothing"):
        penalized(logits, written, repetition=0)


@settings(deadline=None, max_examples=20)
@given(prompts=ragged_prompts, temperature=st.sampled_from([0, 1.0]), use_cache=st.booleans())
def test_who_steers_is_shown_what_was_written_and_decides(prompts, temperature, use_cache):
    shown = []

    def steer(logits, written):
        shown.append(written)
        only = torch.full_like(logits, -torch.inf)
        only[:, len(shown) % 23] = 0
        return only

    how = {"temperature": temperature, "use_cache": use_cache, "steer": steer}
    rows = generate(model_of(0), prompts, 12, **how)
    assert [row[-12:] for row in rows] == [[n % 23 for n in range(1, 13)]] * len(prompts)
    for n, written in enumerate(shown):
        assert written.tolist() == [list(range(1, n + 1))] * len(prompts)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(2, 11))
def test_a_trace_holds_the_surprise_and_the_entropy_of_every_token(seed, length):
    model = model_of(seed)
    ids = torch.randint(23, (length,), generator=torch.Generator().manual_seed(seed)).tolist()
    nats, entropies = trace(model, ids)
    for t in range(1, length):
        with torch.no_grad():
            p = model(torch.tensor([ids[:t]]))[0, -1].softmax(-1)
        assert_close(nats[t - 1], -p[ids[t]].log(), atol=1e-3, rtol=1e-3)
        assert_close(entropies[t - 1], -(p * p.log()).nansum(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("length", [1, 12])
def test_a_text_that_does_not_fit_has_no_trace(length):
    with pytest.raises(ValueError, match=f"the text has {length} tokens: give 2 to 11"):
        trace(model_of(0), [1] * length)
