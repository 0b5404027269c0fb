"""Translations: right in both directions, judged exactly, and never of what is held out."""

from collections import Counter
from itertools import pairwise

import pytest

from tinylm.world import World, judge, velan
from tinylm.world.genres import translations
from tinylm.world.genres.translations import held_out, pairs

WORLD = World(0)
GENRES = ["translations", "velan"]
COMBINED = {
    (noun, word) for word, nouns in (translations.FITTING | translations.OBJECTS).items() for noun in nouns
}
COMBINED |= {(noun, verb) for noun in velan.BEINGS for verb in velan.VERBS}


def samples(genre, n_chars=150_000, seed=1, **options):
    return list(WORLD.text(n_chars, [genre], seed=seed, **options))


def clauses(sample):
    """Every clause that a text holds, in the order of its sentences, with what it was written in."""
    found = []
    for sentence in sample.sentences:
        said = [text for fact in sentence.facts for text in (fact.subject, fact.object)]
        if sentence.key == "velan line":
            said = [sample.text[sentence.start : sentence.end - 1]]
        found += [translations.read(text) for text in said]
    assert found
    assert None not in found
    return found


@pytest.mark.parametrize("genre", GENRES)
def test_training_text_never_combines_what_is_held_out(genre):
    seen = {
        pair for sample in samples(genre, 400_000) for clause in clauses(sample) for pair in pairs(clause)
    }
    assert [pair for pair in seen if held_out(*pair)] == []
    assert len(seen) > 0.99 * sum(not held_out(*pair) for pair in COMBINED)  # and nearly all the others


def test_unseen_exercises_ask_for_exactly_one_held_out_pair():
    places = Counter()
    for sample in samples("translations", unseen=True):
        *before, asked, translated = clauses(sample)
        assert asked == translated
        new = [pair for pair in pairs(asked) if held_out(*pair)]
        assert len(new) == 1, sample.text
        assert not [pair for clause in before for pair in pairs(clause) if held_out(*pair)], sample.text
        places[new[0][1] in velan.VERBS] += 1
    assert min(places.values()) > 0.4 * places.total()  # adjectives and verbs alike


def test_unseen_velan_has_a_held_out_pair_in_every_line():
    for sample in samples("velan", unseen=True):
        assert all(sum(held_out(*pair) for pair in pairs(clause)) == 1 for clause in clauses(sample)), (
            sample.text
        )


def test_about_one_pair_in_six_is_held_out():
    for noun in velan.NOUNS:
        held = [held_out(*pair) for pair in COMBINED if pair[0] == noun]
        assert 0 < sum(held) < 0.26 * len(held), noun
    assert 0.15 < sum(held_out(*pair) for pair in COMBINED) / len(COMBINED) < 0.19


def test_every_word_is_learned_in_other_combinations():
    trained = Counter()
    for sample in samples("translations", 400_000):
        for noun, word in {pair for clause in clauses(sample) for pair in pairs(clause)}:
            trained.update((noun, word))
    assert min(trained[word] for words in (velan.NOUNS, velan.ADJECTIVES, velan.VERBS) for word in words) > 40


def test_the_answer_translates_what_is_asked_for_in_the_direction_noted():
    directions = Counter()
    for sample in samples("translations"):
        (fact,) = sample.sentences[-1].facts
        to_velan = sample.notes["direction"] == "to Velan"
        read = velan.read_velan if to_velan else velan.read_english
        assert fact.relation == ("is-said" if to_velan else "means")
        assert fact.subject in sample.prompt
        assert sample.answer.strip() == fact.object
        assert read(f"{fact.object}.") == translations.read(fact.subject)
        directions[to_velan] += 1
    assert min(directions.values()) > 0.4 * directions.total()


def test_sentences_have_four_to_eleven_words():
    for sample in samples("translations"):
        assert all(4 <= len(velan.english(clause).split()) <= 11 for clause in clauses(sample)), sample.text


def verdicts(text):
    return [piece.verdict for piece in judge.read(WORLD, text)]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('"Va ulosa naduren" means "The owl sleeps".', "true"),
        ('"Va ulosa naduren" means "The owls sleep".', "false"),
        ('"Va ulosa naduren umi" means "The owl sleeps".', "false"),
        ('In Velan, "The owl sleeps" is "Va ulosa naduren".', "true"),
        ('In Velan, "The owl sleeps" is "Va virena naduren".', "false"),
        ("Translate to Velan: The owl sleeps\nVelan: Va ulosa naduren", "true"),
        ("Translate to Velan: The owl sleeps\nVelan: Va ulosa naduras", "false"),
        ('What does "Va ulosa naduren" mean?\nAnswer: The owl sleeps', "true"),
        ('What does "Va ulosa naduren" mean?\nAnswer: A fox sleeps', "false"),
    ],
)
def test_a_wrong_translation_is_found_false(text, verdict):
    assert judge.verdict(WORLD, text) == verdict


@pytest.mark.parametrize("alone", ["The owl sleeps", "Va ulosa naduren", "Va ulosa naduren."])
def test_a_sentence_that_translates_nothing_is_no_claim(alone):
    assert verdicts(alone) == ["not a claim"]


@pytest.mark.parametrize(
    "wrong", ["Vo ulosa naduren.", "Va ulosan naduren.", "Ulosa va naduren.", "Va ulosa nadurenu."]
)
def test_broken_velan_is_not_grammatical(wrong):
    assert not WORLD.accepts(wrong)


def test_an_answer_put_in_the_place_of_another_is_false():
    found = [sample for sample in samples("translations", 40_000) if sample.notes["direction"] == "to Velan"]
    checked = 0
    for sample, other in pairwise(found):
        if sample.answer.strip() != other.answer.strip():
            assert verdicts(sample.prompt + other.answer)[-1] == "false"
            checked += 1
    assert checked > 50


def test_word_by_word_translates_no_sentence_of_the_genre():
    asked = [sample.sentences[-1].facts[0] for sample in samples("translations", 400_000)]
    assert [fact for fact in asked if velan.word_by_word(f"{fact.subject}.") == f"{fact.object}."] == []
    assert len(asked) > 2_000


def test_a_song_ends_as_it_began():
    songs = [s for s in samples("velan") if s.text.count(".\n") >= 2]
    assert len(songs) > 100
    for song in songs:
        lines = [line for line in song.text.split("\n") if line.endswith(".")]
        assert lines[0] == lines[-1]
