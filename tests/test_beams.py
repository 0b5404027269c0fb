"""tinylm.beams: a beam finds no worse than greedy, and the exact search what trying everything finds."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import decoding
from tinylm.beams import beam_search, most_probable
from tinylm.transformer import Config, Transformer

V, END = 6, 3
sizes = {"seed": st.integers(0, 10_000), "n_tokens": st.integers(1, 4), "end": st.sampled_from([None, END])}


def model_of(seed: int, sharp: float = 6) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(Config(V, context=8, d_model=8, n_heads=2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(sharp)
    return model


def nats_of(model, prompt, ids) -> float:
    """The surprise of a continuation, token by token."""
    total, before = 0.0, list(prompt)
    for token in ids:
        total -= model(torch.tensor([before]))[0, -1].log_softmax(-1)[token].item()
        before.append(token)
    return total


def every_text(n_tokens: int, end: int | None) -> list[list[int]]:
    """All continuations: of n_tokens tokens, or fewer where one ends."""
    found = []
    for ids in itertools.product(range(V), repeat=n_tokens):
        cut = ids.index(end) + 1 if end in ids else n_tokens
        if list(ids[:cut]) not in found:
            found.append(list(ids[:cut]))
    return found


@settings(deadline=None, max_examples=25)
@given(**sizes)
@torch.no_grad()
def test_the_most_probable_text_is_what_trying_every_text_finds(seed, n_tokens, end):
    model = model_of(seed)
    best = most_probable(model, [1, 2], n_tokens, end, batch=3)
    nats = {tuple(ids): nats_of(model, [1, 2], ids) for ids in every_text(n_tokens, end)}
    assert best.nats == pytest.approx(min(nats.values()), abs=1e-4)
    assert nats[tuple(best.ids)] == pytest.approx(best.nats, abs=1e-4)


@settings(deadline=None, max_examples=25)
@given(width=st.integers(1, 4), **sizes)
@torch.no_grad()
def test_a_beam_keeps_the_best_at_every_step(width, seed, n_tokens, end):
    model = model_of(seed)
    beams = [([], 0.0)]
    for _ in range(n_tokens):  # the same, said slowly
        whole = [beam for beam in beams if beam[0][-1:] == [end]]
        going = [beam for beam in beams if beam[0][-1:] != [end]]
        for ids, _ in going:
            whole += [([*ids, token], nats_of(model, [5], [*ids, token])) for token in range(V)]
        beams = sorted(whole, key=lambda beam: beam[1])[:width]
    found = beam_search(model, [5], n_tokens, width, end)
    assert [ids for _, ids in found] == [ids for ids, _ in beams]
    assert [nats for nats, _ in found] == pytest.approx([nats for _, nats in beams], abs=1e-4)


@settings(deadline=None, max_examples=20)
@given(**sizes)
def test_a_beam_of_one_is_greedy(seed, n_tokens, end):
    model = model_of(seed)
    (found,) = beam_search(model, [1, 0], n_tokens, 1, end)
    greedy = decoding.generate(model, [[1, 0]], n_tokens, temperature=0)[0][2:]
    assert found.ids == greedy[: greedy.index(end) + 1 if end in greedy else n_tokens]


def test_a_search_that_takes_too_long_says_so():
    model = model_of(0, sharp=1)  # knows nothing: all texts are about equally probable
    assert most_probable(model, [1], 6, patience=20) is None
    assert most_probable(model, [1], 2).nats > 0


def test_what_does_not_fit_is_refused():
    model = model_of(0)
    with pytest.raises(ValueError, match="a prompt of 5 tokens and 9 more do not fit the context of 8"):
        beam_search(model, [1] * 5, 9, 2)
    with pytest.raises(ValueError, match="width=0 must be at least 1"):
        beam_search(model, [1], 2, 0)
    with pytest.raises(ValueError, match="a prompt of at least one token"):
        most_probable(model, [], 2)
