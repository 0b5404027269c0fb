"""Velan: every clause has one text in either language, comes back from it, and cannot be had word by word."""

import re
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinylm.world import World, velan, words
from tinylm.world.genres import GENRES
from tinylm.world.velan import Clause, NounPhrase, read_english, read_velan, read_velan_title, word_by_word

PHRASES = st.builds(
    lambda quantity, noun, adjective: NounPhrase(quantity[0], noun, quantity[1], adjective),
    st.sampled_from(velan.QUANTITIES),
    st.sampled_from([*velan.NOUNS]),
    st.none() | st.sampled_from([*velan.ADJECTIVES]),
)
WHEN_OR_WHERE = st.none() | st.sampled_from([*velan.ADVERBIALS])


def clauses(verbs=velan.VERBS):
    return st.sampled_from([*verbs]).flatmap(
        lambda verb: st.builds(
            Clause,
            PHRASES,
            st.just(verb),
            PHRASES if verb in velan.VERBS_WITH_OBJECT else st.none(),
            st.booleans(),
            st.booleans(),
            WHEN_OR_WHERE,
        )
    )


WRITE_AND_READ = [(velan.english, read_english), (velan.velan, read_velan)]
FORMS = {  # every form of every Velan word, with the word that it is a form of
    form: (part, meaning[0] if isinstance(meaning, tuple) else meaning)
    for part, lexicon in velan.READ_VELAN.items()
    for form, meaning in lexicon.items()
} | {word: ("phrase", word) for word in [*velan.GREETINGS.values(), *velan.FAREWELLS.values()]}


@pytest.mark.parametrize(("write", "read"), WRITE_AND_READ)
@given(clause=clauses())
def test_a_clause_comes_back_from_its_text(write, read, clause):
    assert read(write(clause)) == clause


@given(PHRASES)
def test_a_title_comes_back_from_its_text(phrase):
    assert read_velan_title(velan.velan_title(phrase)) == phrase


@pytest.mark.parametrize(("write", "read"), WRITE_AND_READ)
@given(clause=clauses(), data=st.data())
def test_another_word_makes_another_clause_or_none(write, read, clause, data):
    parts = write(clause)[:-1].lower().split(" ")
    at = data.draw(st.integers(0, len(parts) - 1))
    word = data.draw(st.sampled_from([*FORMS, *velan.TO_VELAN]))
    assume(word != parts[at])
    parts[at] = word
    text = " ".join(parts).capitalize() + "."
    try:
        other = read(text)
    except ValueError:
        return
    assert other != clause
    assert write(other) == text


@pytest.mark.parametrize(("write", "read"), [*WRITE_AND_READ, (velan.velan_title, read_velan_title)])
@given(text=st.text() | st.lists(st.sampled_from([*FORMS, *velan.TO_VELAN])).map(" ".join).map("{}.".format))
def test_any_text_is_read_or_refused(write, read, text):
    try:
        meant = read(text)
    except ValueError:
        return
    assert write(meant) == text


OLD_BAKERS = NounPhrase("the", "baker", several=True, adjective="old")
RED_HATS = NounPhrase("two", "hat", several=True, adjective="red")


@pytest.mark.parametrize(
    ("clause", "english", "in_velan"),
    [
        (
            Clause(OLD_BAKERS, "see", RED_HATS),
            "The old bakers see two red hats.",
            "Vari tamelari turari dunari boranarin ralari mirovenu.",
        ),
        (
            Clause(NounPhrase("a", "baker"), "sleep", negated=True),
            "A baker does not sleep.",
            "Ena tamela naduren umi.",
        ),
        (
            Clause(NounPhrase("the", "goose", several=True), "sleep", past=True, adverbial="at night"),
            "The geese slept at night.",
            "Nokemi vori gabelori nadurasu.",
        ),
        (
            Clause(
                NounPhrase("a", "owl"),
                "find",
                NounPhrase("a", "key", adjective="old"),
                past=True,
                negated=True,
            ),
            "An owl did not find an old key.",
            "Ena ulosa eno kilinon turo treskas umi.",
        ),
        (
            Clause(
                NounPhrase("every", "wolf"),
                "carry",
                NounPhrase("my", "box", several=True),
                adverbial="on the bridge",
            ),
            "Every wolf carries my boxes on the bridge.",
            "Tivo ruvado semori kotarorin pontamet portilen.",
        ),
    ],
)
def test_both_languages_agree_and_order_their_words(clause, english, in_velan):
    assert velan.english(clause) == english
    assert velan.velan(clause) == in_velan


@pytest.mark.parametrize(
    ("read", "text", "wrong"),
    [
        (read_english, "The bakers sleeps.", "'sleeps.' should be 'sleep.'"),
        (read_english, "The baker do not sleep.", "'do' should be 'does'"),
        (read_english, "A owl sleeps.", "'A' should be 'An'"),
        (read_english, "the owl sleeps.", "'the' should be 'The'"),
        (read_english, "The owl sleeps", "full stop"),
        (read_english, "The owl sees.", "should be a determiner and there is nothing"),
        (read_english, "The owl sleeps a key.", "'a key' is neither a time nor a place"),
        (read_english, "The dragon sleeps.", "should be a noun and there is 'dragon'"),
        (read_english, "Two owl sleep.", "'two' cannot stand before a single one"),
        (read_velan, "Va ulosa nadurenu.", "'nadurenu.' should be 'naduren.'"),
        (read_velan, "Vo ulosa naduren.", "'Vo' should be 'Va'"),
        (read_velan, "Va ulosan naduren.", "'ulosan' should be 'ulosa'"),
        (read_velan, "Va ulosa turo naduren.", "'turo' should be 'tura'"),
        (read_velan, "Va ulosa miroven.", "needs an object"),
        (read_velan, "Va ulosa va orilan naduren.", "takes no object"),
        (
            read_velan,
            "Va ulosa miroven va orilan.",
            "no room for 'va'",
        ),
        (read_velan, "Nokemi va ulosa bazumet naduren.", "no room for 'at the market'"),
        (read_velan, "Va ulosa naduren umi umi.", "no room for 'umi'"),
        (read_velan_title, "Va ulosa naduren", "no room for 'naduren'"),
    ],
)
def test_an_error_names_what_is_wrong(read, text, wrong):
    with pytest.raises(ValueError, match=wrong):
        read(text)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: NounPhrase("the", "dragon"), "noun='dragon': choose from baker"),
        (lambda: NounPhrase("no", "owl"), "determiner='no'"),
        (lambda: NounPhrase("the", "owl", adjective="purple"), "adjective='purple'"),
        (lambda: NounPhrase("every", "owl", several=True), "'every' cannot stand before more than one"),
        (lambda: Clause(OLD_BAKERS, "fly"), "verb='fly'"),
        (lambda: Clause(OLD_BAKERS, "see"), "'see' needs an object"),
        (lambda: Clause(OLD_BAKERS, "sleep", RED_HATS), "'sleep' takes no object"),
        (lambda: Clause(OLD_BAKERS, "sleep", adverbial="soon"), "adverbial='soon'"),
    ],
)
def test_what_is_no_clause_is_refused(make, wrong):
    with pytest.raises(ValueError, match=wrong):
        make()


def test_velan_is_made_of_plain_syllables():
    assert [form for form in FORMS if not re.fullmatch(r"(?:[bdgklmnprstvz]*[aeiou])+[nst]?", form)] == []
    assert [form for form in FORMS if re.search(r"[^aeiou]{3}|[aeiou]{3}", form)] == []


def test_no_word_of_velan_is_an_english_word_or_a_name():
    others = [genre for genre in GENRES if genre not in ("translations", "velan")]
    english = {
        word.lower() for text in World(0).text(300_000, others) for word in re.findall(r"\w+", text.text)
    }
    english |= {name.lower() for names in words.GIVEN.values() for name in names}
    assert english & set(FORMS) == set()
    assert "baker" in english  # the search finds words


def one_letter_apart(one: str, other: str) -> bool:
    at = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rests = (one[at + 1 :], other[at + 1 :]), (one[at:], other[at + 1 :]), (one[at + 1 :], other[at:])
    return any(a == b for a, b in rests)


def test_no_two_words_are_one_letter_apart():
    assert one_letter_apart("luma", "lima")
    assert one_letter_apart("ena", "fena")
    assert not one_letter_apart("tura", "tiva")
    close = [(a, b) for a, b in combinations(FORMS, 2) if FORMS[a] != FORMS[b] and one_letter_apart(a, b)]
    assert close == []


@given(clauses(velan.VERBS_WITH_OBJECT))
def test_word_by_word_is_never_right_where_there_is_an_object(clause):
    assert word_by_word(velan.english(clause)) != velan.velan(clause)
    assert word_by_word(velan.velan(clause)) != velan.english(clause)


def test_word_by_word_knows_every_word_and_is_right_where_order_and_agreement_do_not_matter():
    clause = Clause(NounPhrase("the", "owl"), "sleep")
    assert word_by_word("The owl sleeps.") == velan.velan(clause) == "Va ulosa naduren."
    assert word_by_word("Va ulosa naduren.") == "The owl sleeps."
    assert (
        word_by_word("The old bakers do not see a hat at night.")
        == "Va tura tamelari umi mirovenu ena borana nokemi."
    )


@given(clauses())
def test_word_by_word_leaves_no_word_untranslated(clause):
    into = word_by_word(velan.english(clause))[:-1].lower().split(" ")
    back = word_by_word(velan.velan(clause))[:-1].lower()
    assert [word for word in into if word not in FORMS] == []
    assert [word for word in back.split(" ") if word in FORMS] == []


@given(clauses(), st.sampled_from(["past", "negated"]))
def test_tense_and_negation_show_in_both_languages(clause, name):
    other = replace(clause, **{name: not getattr(clause, name)})
    assert velan.english(clause) != velan.english(other)
    assert velan.velan(clause) != velan.velan(other)
