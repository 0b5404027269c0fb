"""The phone book task: what is asked for was said, where it says it was, and nowhere can it be guessed."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tinylm.recall import LENGTH, N_DIGITS, N_NAMES, VOCAB_SIZE, phone_books, recall_by_distance

seeds = st.integers(0, 2**31)


@given(seeds)
def test_every_answer_stands_at_its_distance_before_the_question(seed):
    ids, digits, distance = phone_books(4, torch.Generator().manual_seed(seed))
    assert ids.shape == (4, LENGTH)
    assert int(ids.max()) < VOCAB_SIZE
    for book in range(4):
        for i in range(N_NAMES):
            question = N_NAMES + i
            entry = ids[book, question - distance[book, i]]
            assert entry == (ids[book, question] - N_NAMES * N_DIGITS) * N_DIGITS + digits[book, i]


@given(seeds)
def test_every_name_is_entered_once_and_asked_once(seed):
    ids, _, distance = phone_books(3, torch.Generator().manual_seed(seed))
    everyone = torch.arange(N_NAMES).expand(3, -1)
    assert torch.equal((ids[:, :N_NAMES] // N_DIGITS).sort(1).values, everyone)
    assert torch.equal((ids[:, N_NAMES:] - N_NAMES * N_DIGITS).sort(1).values, everyone)
    assert int(distance.min()) >= 1
    assert int(distance.max()) < LENGTH


def test_recall_is_one_for_the_truth_and_near_chance_for_a_constant():
    _, digits, distance = phone_books(1000, torch.Generator().manual_seed(0))
    assert torch.equal(recall_by_distance(digits, digits, distance), torch.ones(LENGTH - 1))
    assert abs(recall_by_distance(torch.zeros_like(digits), digits, distance).mean() - 1 / N_DIGITS) < 0.05
