"""What fills a slot: how it is written, and what a written word may stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import words
from tinylm.world.grammar import says
from tinylm.world.spelling import Anyone, Spellings, gender

PEOPLE = ["Erik Torsen", "Erik Holmby", "Ida Bergen"]
TABLES = {
    "person": says(
        "{person} {person:'s} {person:him} {person:full} {person:given} {person:she} {person:her}"
    ),
    "words": says("{animal} {animal:a} {animal:s} {number} {verb:es} {verb:ed} {verb:ing} {animal:Cap}"),
}
KINDS = {"animal": words.ANIMALS, "verb": words.VERBS, "person": PEOPLE}
SPELLINGS = Spellings(
    TABLES, KINDS, {"number": (r"\d+", lambda text: int(text) if text[0] != "0" else None)}, PEOPLE
)


def meanings(kind, how, text, at=0):
    return {text[at:end]: values for end, values in SPELLINGS.at(kind, how, text, at)}


def test_a_slot_of_no_known_kind_or_form_is_an_error_that_shows_it():
    for form in ("{planet}", "{animal:ish}"):
        with pytest.raises(ValueError, match="no words for the slot"):
            Spellings({"a": says(form)}, KINDS, {}, PEOPLE)


@given(st.sampled_from(words.ANIMALS), st.sampled_from(["", "a", "s", "Cap"]))
def test_every_word_is_read_as_it_is_written(animal, how):
    text = SPELLINGS.texts["animal", how][animal]
    assert meanings("animal", how, f"{text} sleeps")[text] == (animal,)


def test_a_word_ends_where_its_letters_end():
    assert meanings("animal", "", "catch") == {}
    assert meanings("animal", "", "cat, dog") == {"cat": ("cat",)}
    assert meanings("animal", "", "the cat", 4) == {"cat": ("cat",)}


def test_numbers_are_read_by_their_pattern_and_only_where_it_gives_a_value():
    assert meanings("number", "", "12 cats") == {"12": (12,)}
    assert meanings("number", "", "012 cats") == {}
    assert SPELLINGS.texts["number", ""][12] == "12"


def test_a_full_name_means_one_and_a_given_name_all_who_bear_it():
    assert meanings("person", "", "Erik Torsen is here") == {
        "Erik Torsen": ("Erik Torsen",),
        "Erik": ("Erik Torsen", "Erik Holmby"),
    }
    assert meanings("person", "given", "Ida Bergen") == {"Ida": ("Ida Bergen",)}
    assert meanings("person", "full", "Ida Bergen") == {"Ida Bergen": ("Ida Bergen",)}


def test_a_name_that_nobody_bears_is_read_as_a_name():
    assert meanings("person", "full", "Olga Steinmann works") == {"Olga Steinmann": ("Olga Steinmann",)}
    assert meanings("person", "full", "Olga Smith works") == {}
    assert meanings("person", "", "Harbour Bergen") == {}


def test_pronouns_mean_anyone_of_their_gender():
    assert meanings("person", "", "she sleeps") == {"she": ("she",)}
    assert meanings("person", "'s", "her cat") == {"her": ("she",)}
    assert meanings("person", "him", "him.") == {"him": ("he",)}
    assert meanings("person", "full", "she sleeps") == {}
    assert meanings("person", "", "shepherds") == {}


def test_the_ending_of_a_possessive_belongs_to_it():
    assert meanings("person", "'s", "Ida's cat") == {"Ida's": ("Ida Bergen",)}
    assert meanings("person", "'s", "Ida cat") == {}


def test_two_mentions_mean_what_both_may_mean():
    common = Spellings.common
    assert common((Anyone("she"),), ("Ida Bergen",)) == ("Ida Bergen",)
    assert common((Anyone("he"),), ("Ida Bergen",)) == ()
    assert common(("Erik Torsen", "Erik Holmby"), ("Erik Torsen",)) == ("Erik Torsen",)
    assert common(("cat",), ("dog",)) == ()
    assert common((Anyone("she"),), (Anyone("she"),)) == (Anyone("she"),)


def test_names_have_a_gender_and_other_words_none():
    assert [gender(name) for name in ("Ida Bergen", "Erik", "cat")] == ["she", "he", None]
