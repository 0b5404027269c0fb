"""tinylm.examination: an answer is judged as the genre asks, and no question was read before."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import examination, tokens
from tinylm.base import END
from tinylm.examination import (
    answers,
    examine,
    guesses,
    invents_nothing,
    judged,
    loss_and_floor,
    own_words,
    prompts,
    scorer,
)
from tinylm.pretraining import train
from tinylm.transformer import Config, Transformer
from tinylm.world import World
from tinylm.world.genres import GENRES

WORLD = World(0, 40)
REPORTS = prompts(WORLD, "summaries", 40, False, set())
ASKING = [genre for genre in GENRES if prompts(WORLD, genre, 1, False, set())]


@pytest.mark.parametrize("genre", ASKING)
def test_the_answer_of_the_text_itself_is_right_and_another_one_is_wrong(genre):
    right = scorer(WORLD, genre)
    asked = prompts(WORLD, genre, 30, False, set())
    assert all(right(sample, sample.answer) for sample in asked)
    assert not any(right(sample, " I would rather not say.") for sample in asked)
    assert not any(right(sample, "") for sample in asked)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(REPORTS) - 1), st.integers(0, len(REPORTS) - 1))
def test_a_summary_may_say_what_its_report_says_and_only_that(i, j):
    report, other = REPORTS[i], REPORTS[j]
    assert invents_nothing(WORLD, report.prompt, report.answer)
    if report.notes["person"] != other.notes["person"]:
        assert not invents_nothing(WORLD, report.prompt, other.answer)


def test_a_summary_with_one_wrong_word_or_none_at_all_does_not_pass():
    report = next(r for r in REPORTS if r.notes["length"] == "key points:")
    day, item = report.notes["weekday"], report.notes["item"]
    another = next(weekday for weekday in ("Monday", "Tuesday") if weekday != day)
    assert not invents_nothing(WORLD, report.prompt, report.answer.replace(day, another))
    assert not invents_nothing(WORLD, report.prompt, report.answer.replace(item, "grey grey"))
    assert not invents_nothing(WORLD, report.prompt, report.answer + " It rained, and the cat was sad.")
    assert not invents_nothing(WORLD, report.prompt, "")


def test_questions_are_all_different_and_none_was_read():
    first = prompts(WORLD, "reading", 20, False, set())
    others = prompts(WORLD, "reading", 20, False, {sample.prompt for sample in first})
    assert len({sample.prompt for sample in first + others}) == 40


@pytest.mark.parametrize("genre", ["translations", "reviews", "conversations", "summaries"])
def test_no_question_is_asked_that_training_has_met(genre):
    texts = list(WORLD.text(150_000, [genre], seed=1_000_003))  # the very texts that the questions come from
    read = examination.met(texts)
    asked = prompts(WORLD, genre, 30, False, read)
    assert asked
    for sample in asked:
        assert not any(sample.prompt == text.prompt for text in texts if text.answer)
        if genre == "translations":
            assert not any(examination.source(sample) in text.text.split('"') for text in texts)


def test_a_sentence_read_in_one_direction_is_not_asked_in_the_other():
    lesson = next(s for s in WORLD.text(50_000, ["translations"], seed=3) if s.answer)
    fact = lesson.sentences[-1].facts[0]
    assert {fact.subject, fact.object} <= examination.met([lesson])


def test_a_model_that_knows_the_answers_scores_one_and_the_baseline_less(monkeypatch):
    asked = prompts(WORLD, "reviews", 40, False, set())
    known = {sample.prompt: sample.answer for sample in asked}
    monkeypatch.setattr(
        examination, "answers", lambda model, tokenizer, asked: [known[s.prompt] for s in asked]
    )
    result = judged(WORLD, None, None, "reviews", asked, asked)
    assert result["score"] == 1
    assert 0 < result["baseline"] < 0.8
    assert result["rule"] == "keywords"


def test_the_baseline_of_translations_goes_word_by_word_and_is_never_quite_right():
    asked = prompts(WORLD, "translations", 40, False, set())
    rule, guessed = guesses("translations", asked, asked)
    assert rule == "word by word"
    assert sum(guess == sample.answer for guess, sample in zip(guessed, asked, strict=True)) < 8


@pytest.fixture(scope="module")
def speaker():
    """A model that has read one text over and over, its tokenizer, and that text."""
    torch.manual_seed(0)
    sample = prompts(WORLD, "questions", 1, False, set())[0]
    tokenizer = tokens.train([s.text for s in WORLD.text(20_000)], 400, [END])
    model = Transformer(Config(tokenizer.vocab_size, d_model=32, n_heads=2, context=64))
    ids = torch.tensor(tokenizer.encode((END + sample.text) * 40))
    train(model, ids, 250, batch_size=4, progress=None)
    return model.eval(), tokenizer, sample


def test_a_text_known_by_heart_is_answered_written_and_no_surprise(speaker):
    model, tokenizer, sample = speaker
    assert answers(model, tokenizer, [sample]) == [sample.answer]
    loss, floor = loss_and_floor(model, tokenizer, [sample])
    assert loss < 0.5 < floor * 10
    found = own_words(WORLD, model, tokenizer, n=8)
    assert found["sentences"] > 8
    assert found["grammatical"] > 0.5
    assert found["true"] > 0.5


def test_the_loss_is_the_mean_over_tokens_of_each_text_from_its_start(speaker):
    model, tokenizer, _ = speaker
    samples = list(WORLD.text(1_000, ["questions", "scenes"], seed=3))
    total, n_tokens = 0.0, 0
    for sample in samples:
        ids = torch.tensor(tokenizer.encode(END + sample.text + END))[:65]
        logits = model(ids[None, :-1])[0].log_softmax(-1)
        total -= sum(logits[t, ids[t + 1]].item() for t in range(len(ids) - 1))
        n_tokens += len(ids) - 1
    loss, floor = loss_and_floor(model, tokenizer, samples, batch=3)
    assert math.isclose(loss, total / n_tokens, rel_tol=1e-4)
    assert math.isclose(floor, sum(sample.nats for sample in samples) / n_tokens, rel_tol=1e-9)


def test_an_examination_asks_in_every_genre_that_asks_something(speaker):
    model, tokenizer, _ = speaker
    results = examine(WORLD, model, tokenizer, set(), n=2, progress=None)
    apart = {"questions*", "translations*", "reviews*", "questions, frequent", "reviews, denied"}
    assert {*ASKING, *apart} <= set(results)
    assert "reading*" not in results, "there nothing is held out"
    assert all(0 <= result["score"] <= 1 and 0 < result["n"] <= 2 for result in results.values())
