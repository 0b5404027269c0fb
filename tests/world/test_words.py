"""Words and names: how they change, and that none is there twice or sounds odd."""

import re
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import words

SURNAMES = ["".join(parts) for parts in product(*words.SURNAMES)]
CITIES = ["".join(parts) for parts in product(*words.CITIES)]
COUNTRIES = ["".join(parts) for parts in product(*words.COUNTRIES)]
LISTS = [name for name in vars(words) if name.isupper() and isinstance(getattr(words, name), list)]


@pytest.mark.parametrize("name", LISTS)
def test_no_word_is_in_a_list_twice(name):
    assert [word for word, n in Counter(getattr(words, name)).items() if n > 1] == []


def test_no_name_is_there_twice():
    given_names = [*words.GIVEN["she"], *words.GIVEN["he"]]
    for names in (given_names, SURNAMES, CITIES, COUNTRIES):
        assert [name for name, n in Counter(names).items() if n > 1] == []
    assert not set(given_names) & set(SURNAMES)
    assert not set(CITIES) & set(COUNTRIES)


def test_no_name_has_a_letter_three_times_in_a_row():
    assert [name for name in SURNAMES + CITIES + COUNTRIES if re.search(r"(.)\1\1", name.lower())] == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cat", "a cat"),
        ("owl", "an owl"),
        ("engineer", "an engineer"),
        ("honest", "an honest"),
        ("horse", "a horse"),
        ("orange hat", "an orange hat"),
        ("umbrella", "an umbrella"),
        ("Autumn", "an Autumn"),
    ],
)
def test_a_and_an_go_by_sound(word, expected):
    assert words.article(word) == expected


def test_every_noun_has_its_plural():
    nouns = words.ANIMALS + words.JOBS + words.THINGS + words.PLACES
    irregular = {noun: words.plural(noun) for noun in nouns if words.plural(noun) != f"{noun}s"}
    assert irregular == {
        "fox": "foxes",
        "goose": "geese",
        "mouse": "mice",
        "sheep": "sheep",
        "wolf": "wolves",
        "box": "boxes",
        "knife": "knives",
        "beach": "beaches",
        "library": "libraries",
    }


def test_every_verb_has_its_past():
    pasts = {verb: words.past(verb) for verb in words.VERBS + words.ACTIONS}
    irregular = {verb: past for verb, past in pasts.items() if past not in (f"{verb}ed", f"{verb}d")}
    assert irregular == {
        "run": "ran",
        "sing": "sang",
        "sleep": "slept",
        "stop": "stopped",
        "swim": "swam",
        "carry": "carried",
        "draw": "drew",
        "find": "found",
        "hide": "hid",
        "lose": "lost",
        "meet": "met",
        "see": "saw",
    }
    assert [pasts[verb] for verb in ("dance", "arrive", "listen", "visit") if verb in pasts] == [
        "danced",
        "arrived",
        "listened",
    ]


def test_every_verb_has_its_other_forms():
    assert {
        verb: words.third_person(verb)
        for verb in words.VERBS + words.ACTIONS
        if words.third_person(verb) != f"{verb}s"
    } == {"carry": "carries", "watch": "watches"}
    assert {
        verb: words.gerund(verb) for verb in words.VERBS + words.ACTIONS if words.gerund(verb) != f"{verb}ing"
    } == {
        "arrive": "arriving",
        "dance": "dancing",
        "smile": "smiling",
        "run": "running",
        "swim": "swimming",
        "stop": "stopping",
        "hide": "hiding",
        "lose": "losing",
    }


@given(st.sampled_from(words.VERBS + words.ACTIONS), st.sampled_from(words.VERBS + words.ACTIONS))
def test_no_form_of_one_verb_is_a_form_of_another(one, other):
    forms = [
        {change(verb) for how, change in words.CHANGES.items() if how in ("", "es", "ed", "ing")}
        for verb in (one, other)
    ]
    assert one == other or not forms[0] & forms[1]


def test_snow_never_comes_with_heat():
    assert {sky for sky in words.SKIES if sky.startswith("snowy")} == {"snowy and chilly", "snowy and cold"}


def test_what_one_likes_to_do_is_done_by_verbs_of_the_world():
    assert set(words.PASTIMES) < set(words.VERBS)
