"""tinylm.base: one recipe makes one model, stopped on the way or not, from the texts that it names."""

import itertools
from dataclasses import replace

import execute
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import base, checkpoints, corpora, pretraining
from tinylm.base import (
    END,
    Recipe,
    among,
    at_least,
    documentation,
    drills,
    encoded,
    learned_tokenizer,
    texts,
    train,
)
from tinylm.world import World

TINY = Recipe(
    size=12,
    n_chars=60_000,
    vocab_size=400,
    d_model=32,
    n_layers=1,
    n_heads=2,
    context=32,
    batch_size=4,
    drill_steps=3,
    n_steps=5,
)
WORLD = World(0, TINY.size)


def weights(model):
    return torch.cat([p.flatten() for p in model.parameters()])


def test_a_recipe_may_do_without_drills_and_documentation():
    plain = replace(TINY, drill_steps=0, docs_share=0.0, shares={"scenes": 1})
    model, _, extra = train(plain, progress=None)
    assert (len(extra["loss"]["drills"]), len(extra["loss"]["texts"])) == (0, plain.n_steps)
    assert model.config.vocab_size == plain.vocab_size


def test_the_same_recipe_and_seed_give_the_same_model_and_another_seed_another():
    first, again, other = (train(TINY, seed, progress=None) for seed in (0, 0, 1))
    assert torch.equal(weights(first[0]), weights(again[0]))
    assert first[2] == again[2]
    assert not torch.equal(weights(first[0]), weights(other[0]))


def test_the_loss_of_every_step_of_both_lessons_is_kept():
    _, _, extra = train(TINY, progress=None)
    assert {name: len(losses) for name, losses in extra["loss"].items()} == {"drills": 3, "texts": 5}


@pytest.mark.parametrize("stop", [2, 6])
def test_a_training_that_was_stopped_goes_on_where_it_was(tmp_path, monkeypatch, stop):
    monkeypatch.setenv("TINYLM_CACHE", str(tmp_path / "whole"))
    monkeypatch.setitem(base.RECIPES, "tiny", TINY)
    whole = checkpoints.pretrained("tiny")
    monkeypatch.setenv("TINYLM_CACHE", str(tmp_path / "stopped"))
    backward, steps = pretraining.backward, itertools.count()

    def stopped(*args, **how):
        if next(steps) == stop:
            raise KeyboardInterrupt
        return backward(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "backward", stopped)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.pretrained("tiny")
    assert not list((tmp_path / "stopped").glob("*/model.safetensors")), (
        "half a model was kept as a whole one"
    )
    resumed = checkpoints.pretrained("tiny")
    assert torch.equal(weights(whole.model), weights(resumed.model))
    assert whole.extra == resumed.extra
    assert not list((tmp_path / "stopped").glob("*.run")), "the state of a finished run is of no use"


def test_a_name_that_is_no_base_model_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"name='huge'.*choose from small, base$"):
        checkpoints.pretrained("huge")


def test_the_dial_makes_a_model_larger_and_trains_it_longer_on_more_text(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLM_CACHE", str(tmp_path))
    monkeypatch.setitem(base.RECIPES, "tiny", TINY)
    plain = checkpoints.pretrained("tiny")
    monkeypatch.setenv(base.SCALE, "2")
    recipe, larger = base.recipe("tiny"), checkpoints.pretrained("tiny")
    assert (recipe.n_steps, recipe.n_chars) == (2 * TINY.n_steps, 2 * TINY.n_chars)
    assert len(larger.extra["loss"]["texts"]) == recipe.n_steps
    assert larger.model.config.d_model == 2 * plain.model.config.d_model
    assert larger.model.config.d_head == plain.model.config.d_head
    monkeypatch.setenv(base.SCALE, "")
    assert base.recipe("tiny") == TINY
    assert torch.equal(weights(checkpoints.pretrained("tiny").model), weights(plain.model))


@pytest.mark.parametrize("scale", ["0", "9", "12", "1.5", "large", "-1"])
def test_a_dial_that_is_set_to_no_such_scale_is_refused_in_a_line(monkeypatch, scale):
    monkeypatch.setenv(base.SCALE, scale)
    with pytest.raises(ValueError, match=f"TINYLM_SCALE='{scale}' is not a whole number from 1 to 8"):
        base.recipe()


def test_the_book_is_built_with_the_dial_at_one_whatever_the_reader_has_set(monkeypatch):
    monkeypatch.setenv(base.SCALE, "4")
    for name, value in execute.settings().items():
        monkeypatch.setenv(name, value)
    assert base.recipe() == base.RECIPES["base"]


def test_texts_are_encoded_one_by_one_and_none_contains_the_end_mark():
    documents = list(itertools.islice(texts(WORLD, TINY), 200))
    tokenizer = learned_tokenizer(WORLD, TINY)
    assert not any(END in document for document in documents)
    assert [tokenizer.decode(ids) for ids in encoded(documents, tokenizer, batch=16)] == documents


@given(st.lists(st.integers(1, 30), max_size=40), st.sampled_from([0.0, 0.1, 0.5]))
def test_others_get_the_share_they_were_promised_and_no_text_is_lost(lengths, share):
    texts = [[1] * length for length in lengths]
    mixed = list(among(texts, itertools.repeat([2] * 7), share))
    assert [row for row in mixed if row[0] == 1] == texts
    n_others = sum(len(row) for row in mixed if row[0] == 2)
    assert share * sum(lengths) <= n_others <= share * sum(lengths) + 7


def test_the_model_reads_the_world_and_a_share_of_documentation_none_of_it_held_out():
    documents = list(texts(WORLD, TINY))
    world = {sample.text for sample in WORLD.text(TINY.n_chars, TINY.shares, seed=1)}
    pages = [document for document in documents if document not in world]
    assert 0.5 < sum(map(len, pages)) / (TINY.docs_share * TINY.n_chars) < 1.5
    read, _ = corpora.split(corpora.python_docs())
    assert all(page in read for page in pages)
    assert world <= set(documents)


def test_documentation_begins_anew_where_more_is_asked_for_than_there_is():
    read, _ = corpora.split(corpora.python_docs())
    assert sum(map(len, documentation(1.5 * len(read)))) >= 1.5 * len(read)
    assert list(documentation(0)) == []


@given(st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_every_drill_is_a_line_written_twice_and_no_token_twice_in_it(seed):
    tokenizer = learned_tokenizer(WORLD, TINY)
    (line_end,) = tokenizer.encode("\n")
    for ids in itertools.islice(drills(tokenizer, seed), 50):
        n = len(ids) // 2
        assert ids[n] == line_end
        assert ids[:n] == ids[n + 1 :]
        assert 4 <= len(set(ids[:n])) == n <= 11


def test_there_are_as_many_drills_as_were_asked_for():
    rows = list(at_least(5_000, itertools.repeat([1] * 9)))
    assert sum(map(len, rows)) >= 6_000
