"""tinylm.language_models: counts become probabilities, probabilities become bits."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from tinylm import pretraining, tokens
from tinylm.language_models import NGram, Recurrent, Uniform, bits, bits_per_character, sample, surprises
from tinylm.transformer import Config, Transformer

V = 5
texts = st.lists(st.integers(0, V - 1), min_size=6, max_size=60).map(torch.tensor)
contexts = st.lists(st.integers(0, V - 1), max_size=8).map(lambda ids: torch.tensor(ids, dtype=torch.int64))
orders = st.integers(1, 5)


def naive_probability(text: list[int], context: list[int], token: int, order: int) -> float:
    """Witten and Bell's interpolation, straight from its definition."""
    p = 1 / V
    for length in range(min(order - 1, len(context)) + 1):
        seen = context[len(context) - length :]
        followers = Counter(
            text[i + length] for i in range(len(text) - length) if text[i : i + length] == seen
        )
        if followers:
            p = (followers[token] + len(followers) * p) / (followers.total() + len(followers))
    return p


@settings(deadline=None)  # the first example pays for imports
@given(texts, contexts, orders)
def test_probabilities_sum_to_one_after_any_context(ids, context, order):
    p = NGram(order, V).fit(ids).probabilities(context[None])[0]
    assert p.shape == (V,)
    assert (p > 0).all()
    assert p.sum().item() == pytest.approx(1)


@settings(deadline=None)
@given(texts, contexts, orders)
def test_counting_in_sorted_tables_equals_the_naive_definition(ids, context, order):
    p = NGram(order, V).fit(ids).probabilities(context[None])[0]
    expected = [naive_probability(ids.tolist(), context.tolist(), token, order) for token in range(V)]
    assert_close(p, torch.tensor(expected, dtype=torch.float64))


@settings(deadline=None)
@given(texts, contexts, orders)
def test_scoring_a_whole_text_equals_scoring_it_token_by_token(ids, text, order):
    model = NGram(order, V).fit(ids)
    one_by_one = [model.probabilities(text[None, :i])[0, text[i]].item() for i in range(len(text))]
    assert_close(model.likelihoods(text), torch.tensor(one_by_one, dtype=torch.float64))


def test_a_unigram_is_the_counts_of_a_long_text():
    ids = torch.tensor([0, 0, 0, 1] * 10_000)
    p = NGram(1, V).fit(ids).probabilities(torch.tensor([[3, 2]]))[0]
    assert_close(p, torch.tensor([0.75, 0.25, 0, 0, 0], dtype=torch.float64), atol=1e-3, rtol=0)


def test_a_constant_text_holds_almost_no_surprise():
    ids = torch.full((10_000,), 3)
    assert bits(NGram(3, V).fit(ids), ids) < 0.001


def test_an_unseen_context_falls_back_to_the_shorter_one():
    ids = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    trigram, bigram = NGram(3, V).fit(ids), NGram(2, V).fit(ids)
    assert_close(trigram.probabilities(torch.tensor([[4, 1]])), bigram.probabilities(torch.tensor([[1]])))
    assert not torch.equal(
        trigram.probabilities(torch.tensor([[0, 1]])), bigram.probabilities(torch.tensor([[1]]))
    )


def test_a_longer_context_helps_where_the_text_needs_it():
    ids = torch.tensor([0, 1, 0, 2] * 200)  # what follows 0 depends on the token before it
    assert bits(NGram(2, V).fit(ids), ids) > 0.45
    assert bits(NGram(3, V).fit(ids), ids) < 0.05


@pytest.mark.parametrize("vocab_size", [2, 5, 256])
def test_a_uniform_guess_costs_the_logarithm_of_the_alphabet(vocab_size):
    model = Uniform(vocab_size)
    assert bits(model, torch.tensor([0, 1, 1])) == pytest.approx(math.log2(vocab_size))
    assert model.probabilities(torch.tensor([[0]])).sum().item() == pytest.approx(1)


@settings(deadline=None)
@given(texts)
def test_no_model_of_its_kind_beats_the_entropy_of_the_counts(ids):
    shares = ids.bincount(minlength=V) / len(ids)
    entropy = -(shares * shares.clamp(min=1e-12).log2()).sum().item()
    assert bits(NGram(1, V).fit(ids), ids) >= entropy - 1e-5


def test_samples_repeat_under_a_seed_and_follow_the_counts():
    model = NGram(2, V).fit(torch.tensor([0, 1, 2] * 1000))
    text = sample(model, torch.tensor([[0], [1]]), 30, seed=1)
    assert torch.equal(text, sample(model, torch.tensor([[0], [1]]), 30, seed=1))
    assert text.shape == (2, 31)
    assert ((text[:, 1:] - text[:, :-1]) % 3 == 1).float().mean() > 0.9


@settings(deadline=None)
@given(texts, st.lists(contexts.filter(lambda c: len(c) >= 3).map(lambda c: c[:3]), min_size=1, max_size=4))
def test_a_batch_of_contexts_equals_one_at_a_time(ids, several):
    model = NGram(3, V).fit(ids)
    single = [model.probabilities(context[None])[0] for context in several]
    assert_close(model.probabilities(torch.stack(several)), torch.stack(single))


def test_fitting_again_forgets_the_first_text():
    model = NGram(2, V).fit(torch.tensor([0, 1] * 10))
    again, fresh = model.fit(torch.tensor([2, 3] * 10)), NGram(2, V).fit(torch.tensor([2, 3] * 10))
    assert_close(again.probabilities(torch.tensor([[2]])), fresh.probabilities(torch.tensor([[2]])))


def test_runs_of_bytes_do_not_overflow_at_the_highest_order():
    ids = torch.tensor([255, 254, 255, 255, 0, 255, 255] * 20)
    model = NGram(7, 256).fit(ids)
    assert model.probabilities(ids[None, :6]).sum().item() == pytest.approx(1)
    assert bits(model, ids) < 0.5


def test_impossible_orders_and_texts_are_refused():
    with pytest.raises(ValueError, match="order=0"):
        NGram(0, V)
    with pytest.raises(ValueError, match="order=8 is too high"):
        NGram(8, 256)
    with pytest.raises(ValueError, match="2 tokens are too few"):
        NGram(3, V).fit(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="no tokens"):
        bits(Uniform(V), torch.tensor([], dtype=torch.int64))


@pytest.fixture(scope="module")
def network() -> Transformer:
    torch.manual_seed(0)
    return Transformer(Config(vocab_size=300, context=16, d_model=16, n_heads=2)).eval()


def test_bits_per_character_count_characters_and_not_tokens(network):
    text = "the cat sat on the mat, é and ü. " * 12
    for vocab_size in (256, 280):
        tokenizer = tokens.train(text, vocab_size)
        ids = torch.tensor(tokenizer.encode(text))
        windows = [ids[i : i + 17] for i in range(0, len(ids) - 16, 8)]
        naive = [-network(w[None, :-1]).log_softmax(-1)[0, range(8, 16), w[9:]] for w in windows]
        per_token = torch.stack(naive).mean().item() / math.log(2)
        expected = per_token * len(ids) / len(text)
        assert bits_per_character(network, tokenizer, text) == pytest.approx(expected, rel=1e-5)


def test_a_text_shorter_than_a_window_is_refused(network):
    with pytest.raises(ValueError, match="3 tokens are too few"):
        bits_per_character(network, tokens.train("abc", 256), "abc")


def test_surprise_is_the_loss_at_the_last_position(network):
    inputs, targets = torch.randint(300, (7, 9)), torch.randint(300, (7,))
    found = surprises(network, inputs, targets, batch_size=3)
    assert found.shape == (7,)
    logits = network(inputs)[:, -1:]
    losses = [pretraining.next_token_loss(logits[i, None], targets[i, None, None]) for i in range(7)]
    assert_close(found, torch.stack(losses).detach() / math.log(2))


def test_a_recurrent_model_sees_its_past_and_not_its_future():
    torch.manual_seed(0)
    model, ids = Recurrent(V, width=8), torch.randint(V, (2, 10))
    changed = ids.clone()
    changed[:, 6] = (ids[:, 6] + 1) % V
    before, after = model(ids), model(changed)
    assert before.shape == (2, 10, V)
    assert_close(after[:, :6], before[:, :6])
    assert (after[:, 6:] != before[:, 6:]).any(-1).all()
