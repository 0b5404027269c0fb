"""tinylm.embeddings: each function equals a loop."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import tokens
from tinylm.embeddings import (
    alike,
    alike_by_chance,
    analogies,
    analogy,
    beside_shuffled,
    closest,
    counts,
    flat,
    neighbours,
    one_token_words,
    ppmi,
    reduced,
    states,
    unit,
    whole_words,
    words_by_kind,
)
from tinylm.transformer import Config, Transformer
from tinylm.world import World

sizes = st.integers(3, 9)
SMALL = {"vocab_size": 11, "context": 8, "n_layers": 1, "d_model": 16, "n_heads": 2}


def test_words_are_taken_that_are_one_token_and_of_one_kind():
    tokenizer = tokens.train("a cat a dog a cat a dog a fox a fox " * 9 + "zebra", 280)
    kinds = {"pets": ["cat", "dog", "zebra"], "wild": ["fox", "zebra"], "shy": ["fox"]}
    found = one_token_words(tokenizer, kinds, at_least=2)
    assert list(found) == ["pets"]
    assert {word: tokenizer.decode([i]) for word, i in found["pets"].items()} == {
        "cat": " cat",
        "dog": " dog",
    }


def test_whole_words_are_the_tokens_of_a_space_and_letters():
    tokenizer = tokens.train("a cat, a dog, a cat. " * 9, 275)
    found = whole_words(tokenizer)
    assert {"a", "cat"} <= set(found)
    assert all(tokenizer.encode(f" {word}") == [i] and word.isalpha() for word, i in found.items())


def test_the_worlds_words_come_by_kind_and_can_be_laid_in_a_row():
    world = World(3, size=20)
    text = "\n".join(sample.text for sample in world.text(100_000, seed=1))
    found = words_by_kind(world, tokens.train(text, 900))
    ids, kinds = flat(found)
    assert {"animal", "given name"} <= set(found)
    assert ids.tolist() == [i for group in found.values() for i in group.values()]
    assert kinds.bincount().tolist() == [len(group) for group in found.values()]


def cosine(x, y):
    return (sum(a * b for a, b in zip(x, y, strict=True)) / math.hypot(*x) / math.hypot(*y)).item()


@settings(max_examples=20, deadline=None)
@given(n=sizes, d=sizes, seed=st.integers(0, 1000))
def test_neighbours_are_those_that_a_loop_over_cosines_finds(n, d, seed):
    torch.manual_seed(seed)
    vectors = torch.randn(n, d, dtype=torch.float64)
    for i, found in enumerate(neighbours(vectors, n - 1).tolist()):
        others = sorted((j for j in range(n) if j != i), key=lambda j: -cosine(vectors[i], vectors[j]))
        assert found == others


@settings(max_examples=20, deadline=None)
@given(n=sizes, k=st.integers(1, 2), seed=st.integers(0, 1000))
def test_alike_counts_the_neighbours_of_ones_own_kind(n, k, seed):
    torch.manual_seed(seed)
    vectors, kinds = torch.randn(n, 4), torch.randint(2, (n,))
    near = neighbours(vectors, k)
    slow = [sum(kinds[j] == kinds[i] for j in near[i]) / k for i in range(n)]
    torch.testing.assert_close(alike(vectors, kinds, k), torch.tensor(slow, dtype=torch.float))


def test_chance_is_what_random_vectors_reach():
    torch.manual_seed(0)
    kinds = torch.tensor([0] * 30 + [1] * 15 + [2] * 5)
    found = torch.stack([alike(torch.randn(50, 8), kinds, 3).mean() for _ in range(200)])
    assert abs(found.mean().item() - alike_by_chance(kinds)) < 0.01


def test_neighbours_do_not_depend_on_lengths_and_zeros_are_no_trouble():
    vectors = torch.randn(6, 3)
    longer = vectors * torch.rand(6, 1).add(0.5)
    assert torch.equal(neighbours(vectors, 2), neighbours(longer, 2))
    assert unit(torch.zeros(2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_an_analogy_is_the_row_nearest_to_the_sum():
    torch.manual_seed(1)
    vectors = torch.randn(12, 5)
    a, b, c = torch.randint(12, (3, 40))
    for exclude in (True, False):
        found = analogy(vectors, a, b, c, exclude)
        for i in range(40):
            one, two, three = (vectors[rows[i]] / vectors[rows[i]].norm() for rows in (a, b, c))
            barred = {a[i].item(), b[i].item(), c[i].item()} if exclude else set()
            best = max(
                (j for j in range(12) if j not in barred), key=lambda j: cosine(two - one + three, vectors[j])
            )
            assert found[i] == best


def test_an_analogy_finds_a_planted_direction():
    torch.manual_seed(2)
    roots, step = torch.randn(5, 20), 3 * torch.randn(20)
    vectors = torch.cat((roots, roots + step))
    a, c = torch.tensor([0, 1, 2]), torch.tensor([3, 4, 0])
    assert torch.equal(analogy(vectors, a, a + 5, c), c + 5)


def test_labels_that_rows_follow_stand_out_from_shuffled_ones():
    torch.manual_seed(6)
    labels = ["dry", "wet"] * 15
    vectors = torch.randn(30, 8) + torch.tensor([[3.0], [-3.0]]).repeat(15, 1)
    share, low, high = beside_shuffled(vectors, labels, k=3, n_shuffles=200)
    assert share == alike(vectors, torch.tensor([0, 1] * 15), 3).mean() > high
    share, low, high = beside_shuffled(torch.randn(30, 8), ["one"] * 30, k=3, n_shuffles=20)
    assert (share, low, high) == (1, 1, 1)


def test_four_rules_answer_all_questions_that_two_pairs_make():
    torch.manual_seed(7)
    vectors, pairs = torch.randn(9, 4), [(0, 1), (2, 3), (4, 5)]
    found, v = analogies(vectors, pairs), unit(vectors)
    right = {name: 0 for name in found}
    for a, b in pairs:
        for c, d in pairs:
            if a == c:
                continue
            answers = {"b - a + c": v[b] - v[a] + v[c], "b + c": v[b] + v[c], "c alone": v[c]}
            for name, query in answers.items():
                scores = v @ query
                right["nothing left out"] += (name == "b - a + c") * (scores.argmax() == d).item()
                scores[[a, b, c]] = -9
                right[name] += (scores.argmax() == d).item()
    assert found == pytest.approx({name: n / 6 for name, n in right.items()})


def test_the_closest_row_is_never_an_excluded_one():
    vectors = torch.eye(3)
    assert closest(vectors, vectors).tolist() == [0, 1, 2]
    exclude = torch.tensor([[0, 1], [1, 2], [2, 0]])
    assert closest(vectors, vectors, exclude).tolist() == [2, 0, 1]


@settings(max_examples=20, deadline=None)
@given(ids=st.lists(st.integers(0, 4), min_size=5, max_size=40), window=st.integers(1, 3))
def test_counts_are_those_of_two_loops(ids, window):
    slow = torch.zeros(5, 2 * window, 5, dtype=torch.long)
    for i, word in enumerate(ids):
        for distance in range(1, window + 1):
            if i + distance < len(ids):
                slow[word, 2 * distance - 2, ids[i + distance]] += 1
            if i - distance >= 0:
                slow[word, 2 * distance - 1, ids[i - distance]] += 1
    assert torch.equal(counts(torch.tensor(ids), 5, window), slow.flatten(1))


def test_ppmi_is_its_formula_and_never_negative():
    pairs = torch.tensor([[4, 0, 1], [1, 2, 0]])
    total, found = 8, ppmi(pairs, smoothing=1)
    for i in range(2):
        for j in range(3):
            joint, word, context = pairs[i, j], pairs[i].sum(), pairs[:, j].sum()
            expected = max(0.0, math.log(joint * total / (word * context))) if joint else 0.0
            assert found[i, j].item() == pytest.approx(expected, abs=1e-6)
    shares = pairs.sum(0) ** 0.5
    pull = math.log((4 / 8) / ((5 / 8) * (shares[0] / shares.sum())))
    assert ppmi(pairs, smoothing=0.5)[0, 0].item() == pytest.approx(pull, abs=1e-6)


def test_independent_words_share_no_information():
    pairs = torch.outer(torch.tensor([1, 2, 3]), torch.tensor([5, 1, 2]))
    assert ppmi(pairs, smoothing=1).abs().max() < 1e-6
    assert torch.isfinite(ppmi(torch.eye(3))).all()


def test_reducing_keeps_the_products_of_a_matrix_of_low_rank():
    torch.manual_seed(3)
    half = torch.randn(20, 4)
    matrix = half @ half.T
    rows = reduced(matrix, 4)
    torch.testing.assert_close(rows @ rows.T, matrix, atol=1e-3, rtol=1e-3)
    state = torch.random.get_rng_state()
    assert torch.equal(rows, reduced(matrix, 4))
    assert torch.equal(state, torch.random.get_rng_state())


def test_states_begin_with_the_row_and_end_with_what_is_read_out():
    torch.manual_seed(9)
    model, ids = Transformer(Config(**SMALL)), torch.randint(11, (5,))
    found = states(model, ids)
    assert torch.equal(found[0], model.embedding.weight[ids[-1]])
    torch.testing.assert_close(model.readout(model.norm(found[-1])), model(ids[None])[0, -1])


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="k=3"):
        neighbours(torch.eye(3), 3)
    with pytest.raises(ValueError, match="window=0"):
        counts(torch.tensor([0, 1]), 2, 0)
    with pytest.raises(ValueError, match="n=4"):
        reduced(torch.eye(3), 4)
    with pytest.raises(ValueError, match="at least two"):
        analogies(torch.eye(3), [(0, 1)])
