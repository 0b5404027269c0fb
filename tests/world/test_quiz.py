"""tinylm.world.quiz: who knows a world gets everything right, and nothing but grammar tells a pair apart."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import words
from tinylm.world.genres.scenes import HELD_OUT
from tinylm.world.quiz import NOUNS, QUESTIONS, examine, likelier, minimal_pairs, texts

FORMS = {form: noun for noun in NOUNS for form in (noun, words.plural(noun))}
MANY = {words.plural(noun) for noun in [*NOUNS, *words.PLACES]}
VERBS = {form: verb for verb in words.VERBS for form in (verb, words.third_person(verb))}


@pytest.mark.parametrize("across", [False, True])
def test_the_grammar_makes_the_first_of_each_pair_and_not_the_second(world, across):
    for right, wrong in minimal_pairs(200, across):
        assert world.accepts(right), right
        assert not world.accepts(wrong), wrong


@given(st.booleans(), st.integers(0, 1_000))
def test_the_two_differ_in_the_number_of_one_verb_alone(across, seed):
    for right, wrong in minimal_pairs(5, across, seed):
        differing = [(a, b) for a, b in zip(right.split(), wrong.split(), strict=True) if a != b]
        assert len(differing) == 1
        a, b = (word.rstrip(".") for word in differing[0])
        assert VERBS[a] == VERBS[b]


@given(st.booleans(), st.integers(0, 1_000))
def test_text_never_has_the_noun_with_the_verb(across, seed):
    for right, _ in minimal_pairs(5, across, seed):
        spelled = re.findall(r"\w+", right)
        (noun,) = {FORMS[word] for word in spelled if word in FORMS}
        (verb,) = {VERBS[word] for word in spelled if word in VERBS}
        assert verb in HELD_OUT[noun]


@given(st.integers(0, 1_000))
def test_across_the_noun_nearest_to_the_verb_misleads(seed):
    for right, _ in minimal_pairs(5, across=True, seed=seed):
        subject, place = re.fullmatch(r"The (\w+) near the (\w+) \w+\.", right).groups()
        assert (subject in MANY) != (place in MANY)


def test_both_numbers_occur_and_pairs_repeat_under_one_seed():
    pairs = minimal_pairs(100, across=True)
    assert 20 < sum(right.split()[1] in MANY for right, _ in pairs) < 80
    assert pairs == minimal_pairs(100, across=True)
    assert pairs != minimal_pairs(100, across=True, seed=1)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="n=0"):
        minimal_pairs(0)


def test_of_each_pair_the_less_surprising_sentence_is_found():
    assert likelier(len, [("a", "bb"), ("bb", "a"), ("a", "b")]) == [True, False, False]


def knowing(world, truth):
    """Answers prompts by looking up what `truth` says: someone who has learned it by heart."""
    known = {}
    for relation, question in QUESTIONS.items():
        for name, what in truth[relation].items():
            known[f"Question: {question.format(name)}\nAnswer:"] = f" In {what}. And so on."
    return lambda prompts: [known[prompt] for prompt in prompts]


def test_who_knows_the_world_gets_everything_right(world):
    surprise = lambda sentence: not world.accepts(sentence)  # noqa: E731
    right = examine(world, surprise, knowing(world, world.truth), n_pairs=20)
    assert {kind: all(hits) for kind, hits in right.items()} == dict.fromkeys(right, True)
    sizes = {kind: len(hits) for kind, hits in right.items()}
    people, cities = len(world.entities["person"] + world.strangers), len(world.entities["city"])
    assert sizes == {"simple": 20, "across": 20, "home": people, "nation": people, "land": cities}


def test_answers_are_compared_name_by_name(world):
    someone = world.entities["person"][3]
    elsewhere = next(city for city in world.entities["city"] if city != world.truth["home"][someone])
    moved = world.truth | {"home": world.truth["home"] | {someone: elsewhere}}
    right = examine(world, len, knowing(world, moved), n_pairs=1)
    assert [i for i, hit in enumerate(right["home"]) if not hit] == [3]
    assert all(right["nation"])


def test_text_asks_the_questions_in_these_words_and_answers_so(world):
    for relation, question in QUESTIONS.items():
        assert world.accepts(question.format(next(iter(world.truth[relation]))))
        genre = "two hops" if relation == "nation" else "questions"
        start, end = question.split("{}")
        texts = [s.text for s in world.text(100_000, [genre]) if s.notes["relation"] == relation]
        assert any(text.startswith(f"Question: {start}") and end in text for text in texts)
        assert all("\nAnswer: In " in text and text.endswith(".") for text in texts)


def test_texts_ask_all_three_questions_and_never_join_two_hops_for_the_parted(world):
    samples = texts(world, 200_000, seed=1)
    facts = [fact for sample in samples for fact in sample.facts]
    assert {fact.relation for fact in facts} == set(QUESTIONS)
    assert all(fact.object == world.truth[fact.relation][fact.subject] for fact in facts)
    assert {fact.subject for fact in facts if fact.relation == "nation"} <= world.joined
    assert {sample.genre for sample in samples} == {"questions", "two hops", "scenes"}
    assert not any(sample.facts for sample in samples if sample.genre == "scenes")
