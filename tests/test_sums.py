"""tinylm.sums: all pairs once, spelled as said, judged by the whole answer."""

import torch

from tinylm import sums, tokens
from tinylm.objectives import UNASKED

DIGITS = tokens.train("")
MERGED = tokens.train("".join("".join(sums.written(a, b)) for a, b in sums.shuffled_pairs(0)[:2000]), 400)


def test_every_pair_is_there_once_and_beside_its_mirror_image():
    pairs = sums.shuffled_pairs(3)
    assert len(set(pairs)) == len(pairs) == 10_000
    assert pairs == sums.shuffled_pairs(3) != sums.shuffled_pairs(4)
    split = [set(map(frozenset, part)) for part in (pairs[:8000], pairs[8000:])]
    assert len(split[0] & split[1]) <= 1


def test_a_sum_is_written_with_all_its_digits():
    assert sums.written(7, 85) == ("07+85=", "092\n")
    assert sums.written(7, 85, backwards=True) == ("07+85=", "290\n")


def test_inputs_shifted_by_one_are_the_targets_where_the_answer_stands():
    pairs = sums.shuffled_pairs(1)[:50]
    for tokenizer in (DIGITS, MERGED):
        inputs, targets = sums.spelled(tokenizer, pairs, backwards=True)
        for (a, b), row, aims in zip(pairs, inputs, targets, strict=True):
            asked, told = sums.written(a, b, backwards=True)
            here = aims != UNASKED
            assert tokenizer.decode(aims[here].tolist()) == told
            n = int(here.nonzero()[0]) + 1
            assert tokenizer.decode(row[:n].tolist()) == asked
            torch.testing.assert_close(row[n : n + here.sum() - 1], aims[here][:-1])


def test_one_wrong_token_makes_a_sum_wrong():
    _, targets = sums.spelled(DIGITS, [(1, 2), (3, 4)])
    guesses = targets.clone()
    guesses[guesses == UNASKED] = 5
    assert sums.right(guesses, targets).tolist() == [True, True]
    guesses[1, -2] += 1
    assert sums.right(guesses, targets).tolist() == [True, False]


def test_training_learns_a_few_sums_by_heart_and_leaves_the_inputs_alone():
    inputs, targets = sums.spelled(DIGITS, sums.shuffled_pairs(0)[:8])
    before = inputs.clone(), targets.clone()
    model = sums.learner(DIGITS.vocab_size, seed=0)
    sums.train(model, inputs, targets, n_steps=80, batch_size=16)
    assert sums.right(model(inputs).argmax(-1), targets).all()
    torch.testing.assert_close((inputs, targets), before)


def test_a_learner_follows_from_its_seed():
    one, two, other = (sums.learner(300, seed).state_dict() for seed in (1, 1, 2))
    torch.testing.assert_close(one, two)
    assert not torch.equal(one["embedding.weight"], other["embedding.weight"])
