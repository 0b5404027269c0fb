"""tinylm.positions: the four ways to tell a position do what their papers say."""

import math

import pytest
import torch

from tinylm import pretraining
from tinylm.positions import Positioned, copied, copier, loss_by_position, sinusoids, window
from tinylm.transformer import Config, Transformer

SMALL = {"vocab_size": 11, "context": 8, "n_layers": 1, "d_model": 16, "n_heads": 2}


def test_sinusoids_are_those_of_the_paper_and_count_from_zero():
    table = sinusoids(7, 6)
    for position in range(7):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    products = sinusoids(20, 16) @ sinusoids(20, 16).T  # depend on the distance alone
    for distance in range(20):
        assert products.diagonal(distance).std(correction=0) < 1e-4


@pytest.mark.parametrize("kind", ["none", "learned", "sinusoid", "rotary"])
def test_only_a_model_without_positions_sees_a_bag_of_tokens(kind):
    torch.manual_seed(4)
    model = Positioned(Config(**SMALL), kind, longest=8)
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    shuffled = torch.tensor([[4, 2, 1, 3, 5]])
    moved = (model(ids) - model(shuffled))[0, -1].abs().max()
    assert (moved < 1e-6) == (kind == "none")


def test_the_rotary_kind_is_the_transformer_itself():
    torch.manual_seed(5)
    model = Positioned(Config(**SMALL), "rotary", longest=8)
    plain = Transformer(Config(**SMALL))
    plain.load_state_dict(model.state_dict())
    ids = torch.randint(11, (2, 8))
    assert torch.equal(model(ids), plain(ids))


def test_only_learned_positions_are_learned_and_ties_are_kept():
    learned, fixed = (Positioned(Config(**SMALL), kind, longest=8) for kind in ("learned", "sinusoid"))
    assert learned.embedding.positions.requires_grad
    assert not fixed.embedding.positions.requires_grad
    for model in (learned, fixed):
        assert model.readout.weight is model.embedding.weight


def test_a_copier_learns_its_task_and_a_window_is_a_mask():
    model = copier("rotary", seed=7, length=12, longest=24, n_steps=80)
    right = copied(model, 12, n=50)
    assert len(right) == 9
    assert sum(right) / 9 > 0.9
    assert copied(model, 12, width=12, n=50) == right
    assert copied(model, 12, width=4, n=50)[0] == right[0]
    assert sum(copied(model, 12, width=3, n=50)) / 9 < 0.5  # the answer is covered


def test_a_window_shows_each_position_itself_and_those_just_before():
    slow = [[0 <= row - column < 3 for column in range(6)] for row in range(6)]
    assert window(6, 3).tolist() == slow
    assert window(6, None) is None


def test_the_loss_by_position_is_the_training_loss_spread_out():
    torch.manual_seed(8)
    model, rows = Transformer(Config(**SMALL)), torch.randint(11, (10, 9))
    by_position = loss_by_position(model, rows)
    whole = pretraining.next_token_loss(model(rows[:, :-1]), rows[:, 1:])
    torch.testing.assert_close(by_position.mean(), whole)
    alone = pretraining.next_token_loss(model(rows[:, 4:5]), rows[:, 5:6])  # as if there were nothing before
    torch.testing.assert_close(loss_by_position(model, rows, width=1)[4], alone)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="odd"):
        sinusoids(4, 5)
    with pytest.raises(ValueError, match="'alibi'"):
        Positioned(Config(**SMALL), "alibi", 8)
    with pytest.raises(ValueError, match="9 tokens"):
        Positioned(Config(**SMALL), "learned", 8)(torch.zeros(1, 9, dtype=torch.long))
