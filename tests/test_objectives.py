"""tinylm.objectives: what each lesson hides, shows and asks."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import objectives, pretraining
from tinylm.objectives import UNASKED, causal, fill, fill_by_trying, lesson_loss, log_likelihood, masked
from tinylm.transformer import Config, Transformer

MASK = 20  # the tokens of the texts are below it, sentinels above
SENTINELS = [21, 22, 23]


def texts(n: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(MASK, (n, length), generator=torch.Generator().manual_seed(seed))


def model(seed: int = 0, **sizes) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(Config(24, context=32, d_model=16, n_heads=2, n_layers=2, **{"causal": False} | sizes))


# ---- causal


def test_the_causal_lesson_is_that_of_pretraining():
    ids, looking_back = texts(3, 9), model(causal=True)
    everywhere = model()
    inputs, targets = ids[:, :-1], ids[:, 1:]
    expected = pretraining.next_token_loss(looking_back(inputs), targets)
    torch.testing.assert_close(lesson_loss(everywhere, causal(ids)), expected)


@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_a_causal_target_stands_shift_places_on(shift):
    ids = torch.arange(8)[None]
    lesson = causal(ids, shift)
    assert (lesson.targets - lesson.inputs == shift).all()


@pytest.mark.parametrize("shift", [-1, 8, 9])
def test_a_shift_beyond_the_text_is_refused(shift):
    with pytest.raises(ValueError, match="shift="):
        causal(texts(1, 8), shift)


# ---- masked


@given(st.integers(1, 4), st.integers(1, 40), st.floats(0.01, 1), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_masked_lesson_asks_for_the_share_and_for_nothing_else(n, length, share, seed):
    ids = texts(n, length, seed)
    generator = torch.Generator().manual_seed(seed)
    lesson = masked(ids, MASK, share, generator)
    asked = lesson.targets != UNASKED
    assert (asked.sum(1) == max(1, round(share * length))).all()
    assert (lesson.targets[asked] == ids[asked]).all()
    assert (lesson.inputs[~asked] == ids[~asked]).all()
    assert lesson.visible.all()
    blunt = masked(ids, MASK, share, generator, blunt=True)
    assert ((blunt.inputs == MASK) == (blunt.targets != UNASKED)).all()


def test_of_the_hidden_tokens_eight_tenths_are_masked_and_a_tenth_is_left():
    ids = texts(400, 50)
    lesson = masked(ids, MASK, 0.5, torch.Generator().manual_seed(0))
    asked = lesson.targets != UNASKED
    inputs, truth = lesson.inputs[asked], ids[asked]
    assert (inputs == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    stays = 0.1 + 0.1 / MASK  # one random token in twenty is the true one
    assert (inputs == truth).float().mean().item() == pytest.approx(stays, abs=0.02)


@pytest.mark.parametrize("share", [0, -1, 1.1, math.nan])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match="share="):
        masked(texts(1, 8), MASK, share)
    with pytest.raises(ValueError, match="share="):
        objectives.spans(texts(1, 8), SENTINELS, share)


# ---- prefix


@given(st.integers(1, 5), st.integers(3, 20), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_prefix_is_read_whole_and_what_follows_is_asked_in_order(n, length, seed):
    ids = texts(n, length, seed)
    lesson = objectives.prefix(ids, torch.Generator().manual_seed(seed))
    for row in range(n):
        asked = (lesson.targets[row] != UNASKED).nonzero().flatten().tolist()
        assert asked == list(range(asked[0], length - 1))  # from the last of the prefix to the end
        n_given = asked[0] + 1
        for t in range(length - 1):
            sees = lesson.visible[row, 0, t].nonzero().flatten().tolist()
            assert sees == list(range(n_given if t < n_given else t + 1))
        assert torch.equal(lesson.targets[row, asked], ids[row, n_given:])


@pytest.mark.parametrize(
    "lesson",
    [
        lambda ids: causal(ids),
        lambda ids: objectives.prefix(ids, torch.Generator().manual_seed(1)),
        lambda ids: objectives.spans(ids, SENTINELS, 0.3, torch.Generator().manual_seed(1)),
    ],
    ids=["causal", "prefix", "spans"],
)
def test_no_answer_is_in_sight_where_it_is_asked(lesson):
    inputs, targets, visible = lesson(texts(4, 12))
    net = model()
    before = net(inputs, visible)
    for t in range(inputs.shape[1]):
        changed = inputs.clone()
        changed[:, t] = (changed[:, t] + 1) % MASK
        moved = (net(changed, visible) - before).abs().amax(-1) > 1e-6
        asked = targets != UNASKED
        assert not (moved & asked)[:, :t].any()  # the input at t is the answer at t - 1, and no hint before


def test_a_text_of_two_tokens_has_no_prefix():
    with pytest.raises(ValueError, match="at least 3"):
        objectives.prefix(texts(1, 2))


# ---- spans


@given(st.integers(1, 3), st.integers(10, 30), st.floats(0.05, 0.6), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_text_with_gaps_and_its_answers_make_the_whole_text_again(n, length, share, seed):
    ids = texts(n, length, seed)
    lesson = objectives.spans(ids, SENTINELS, share, torch.Generator().manual_seed(seed))
    for row in range(n):
        targets = lesson.targets[row][lesson.targets[row] != UNASKED].tolist()
        assert targets[-1] == SENTINELS[-1]
        cut = max(2, round(share * length))
        assert len(targets) == cut + 2  # after each gap the next sentinel
        before, after = f"{' '.join(map(str, targets))} ".split("22 ", 1)
        gaps = {21: before.split(), 22: after.removesuffix("23 ").split()}
        reading = lesson.inputs[row].tolist()
        reading = reading[: length - cut + 2]
        whole = [part for token in reading for part in (map(int, gaps[token]) if token in gaps else [token])]
        assert whole == ids[row].tolist()


def test_a_text_too_short_for_its_gaps_is_refused():
    with pytest.raises(ValueError, match="3 tokens are too few"):
        objectives.spans(texts(1, 3), SENTINELS)
    with pytest.raises(ValueError, match="0 gaps"):
        objectives.spans(texts(1, 8), SENTINELS[:1])


# ---- losses and answers


def test_a_model_that_only_looks_back_is_refused():
    with pytest.raises(ValueError, match="causal=False"):
        lesson_loss(model(causal=True), causal(texts(1, 4)))


def test_the_loss_is_the_mean_over_what_is_asked():
    net, lesson = model(), masked(texts(2, 10), MASK, 0.3, torch.Generator().manual_seed(0))
    shares = net(lesson.inputs, lesson.visible).log_softmax(-1)
    asked = [(b, t) for b in range(2) for t in range(10) if lesson.targets[b, t] != UNASKED]
    slow = -sum(shares[b, t, lesson.targets[b, t]] for b, t in asked) / len(asked)
    torch.testing.assert_close(lesson_loss(net, lesson), slow)


def test_the_likelihood_of_a_text_is_the_sum_over_its_tokens():
    net, ids = model(), texts(3, 7)
    shares = net(ids, objectives.looking_back(7)).log_softmax(-1)
    for start in (0, 1, 4):
        slow = [sum(shares[b, t - 1, ids[b, t]] for t in range(max(1, start), 7)) for b in range(3)]
        torch.testing.assert_close(log_likelihood(net, ids, start), torch.stack(slow))


def test_trying_every_token_is_bayes_rule():
    net, ids, places = model(), texts(2, 6), torch.tensor([2, 5])
    fast = fill_by_trying(net, ids, places, n_tokens=MASK, batch_size=7)
    for row in range(2):
        whole = []
        for token in range(MASK):
            tried = ids[row : row + 1].clone()
            tried[0, places[row]] = token
            whole.append(log_likelihood(net, tried)[0])
        slow = torch.stack(whole).softmax(0)
        torch.testing.assert_close(fast[row].exp(), slow, rtol=1e-4, atol=1e-6)


def test_filling_hides_the_answer_and_nothing_else():
    net, ids, places = model(), texts(3, 8), torch.tensor([0, 4, 7])
    found = fill(net, ids, places, MASK)
    assert torch.equal(found.exp().sum(1).round(decimals=4), torch.ones(3))
    other = ids.clone()
    other[torch.arange(3), places] = 1
    torch.testing.assert_close(fill(net, other, places, MASK), found)
    assert not torch.allclose(fill(net, (ids + 1) % MASK, places, MASK), found)
