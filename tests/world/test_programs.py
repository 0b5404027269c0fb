"""Programs: they show what is promised, answers are judged by what they do, the held out stays out."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm.world import World, abacus
from tinylm.world.genres.programs import (
    FAMILIES,
    LINES,
    NAMES,
    POOLS,
    SLOTS,
    VARIABLES,
    coded,
    in_a_row,
    score,
)

WORLD = World(0)
TASKS = list(WORLD.text(60_000, ["programs"], seed=3))
DOCUMENTS = list(WORLD.text(120_000, ["documentation"], seed=3))
PARTS = {"variable": "a", "operand": "b", "comparison": "is less than", "words": "well done"}


def source(name: str, numbers: tuple, variable: str = "n") -> str:
    return FAMILIES[name].program.format(variable=variable, **dict(zip(SLOTS[name], numbers, strict=True)))


@pytest.mark.parametrize("name", NAMES)
def test_every_program_of_a_family_shows_what_is_noted(name):
    family = FAMILIES[name]
    for i, numbers in enumerate(family.numbers):
        shown = abacus.run(source(name, numbers, VARIABLES[i % len(VARIABLES)]))
        assert shown == "\n".join(map(str, family.shows(*numbers)))


@pytest.mark.parametrize("name", [name for name in NAMES if FAMILIES[name].trace])
def test_a_trace_is_what_the_variable_holds_line_after_line(name):
    family = FAMILIES[name]
    for numbers in family.numbers:
        values, watched = [], []
        for line in source(name, numbers).split(
            "\n"
        ):  # with a line that shows the variable after each change
            watched.append(line)
            if "n" in line.split() and not line.startswith("show"):
                watched.append("show n")
        values = abacus.run("\n".join(watched)).split("\n")
        assert [*map(int, values[:-1])] == family.trace(*numbers)


@pytest.mark.parametrize("name", NAMES)
def test_each_family_holds_out_some_numbers_but_not_most(name):
    seen, held = POOLS[name][False], POOLS[name][True]
    assert sorted(seen + held) == sorted(FAMILIES[name].numbers)
    assert 0.04 < len(held) / len(seen + held) < 0.35
    if FAMILIES[name].either_way:
        assert not {numbers[::-1] for numbers in held} & set(seen)


@pytest.mark.parametrize("genre", ["programs", "documentation"])
@pytest.mark.parametrize("unseen", [False, True])
def test_text_shows_numbers_that_are_held_out_only_where_it_is_asked_to(genre, unseen):
    forbidden = {
        source(name, numbers, variable)
        for name in NAMES
        for numbers in POOLS[name][not unseen]
        for variable in VARIABLES
    }
    for sample in WORLD.text(60_000, [genre], seed=4, unseen=unseen):
        if sample.notes["asks"] == "line":
            assert sample.notes["line"] in {line for _, _, line in LINES[unseen]}
        else:
            _, _, rest = sample.text.partition(":\n")
            lines = [line for line in rest.split("\n") if line.split()[0] in abacus.SYNTAX]
            assert "\n".join(lines) not in forbidden
            abacus.parse("\n".join(lines))


def test_a_right_answer_scores():
    for sample in TASKS + DOCUMENTS:
        assert score(sample, sample.answer), sample.text
        assert not score(sample, ""), sample.text


def test_a_program_is_judged_by_what_it_shows_however_it_is_written():
    sample = next(sample for sample in TASKS if sample.notes["family"] == "countdown")
    [n] = sample.notes["numbers"]
    assert score(sample, f"set left to {n}\nrepeat {n} times\nshow left\nsubtract 1 from left\nend")
    assert not score(sample, f"set left to {n}\nrepeat {n} times\nsubtract 1 from left\nshow left\nend")


@given(st.data())
@settings(deadline=5_000)
def test_no_text_for_an_answer_does_harm(data):
    sample = data.draw(st.sampled_from(TASKS[:50] + DOCUMENTS[:50]))
    letters = st.one_of(st.text(), st.text("0123456789 .:\nitshowsaend"), st.just(sample.answer))
    score(sample, data.draw(letters) + data.draw(letters))


def test_a_program_with_another_number_in_it_scores_only_if_it_shows_the_same():
    wrong = 0
    for sample in TASKS:
        answer = sample.answer.replace("3", "4").replace("7", "8")
        try:
            same = abacus.run(answer) == abacus.run(sample.answer)
        except abacus.ProgramError:
            same = False
        assert score(sample, answer) == same
        wrong += not same
    assert wrong > 50


@pytest.mark.parametrize(
    ("program", "asks", "answer", "right"),
    [
        (("sum", (3, 4)), "does", "It adds 3 and 4.", True),
        (("sum", (3, 4)), "does", "It adds 4 and 3 and shows the sum.", True),
        (("sum", (3, 4)), "does", "It adds 2 and 5.", False),
        (("sum", (3, 4)), "does", "It multiplies 3 by 4.", False),
        (("sum", (3, 4)), "does", "It shows 7.", False),
        (("sum", (3, 4)), "does", "it adds 3 and 4", False),
        (("difference", (9, 4)), "does", "It takes 4 away from 9.", True),
        (("difference", (9, 4)), "does", "It takes 9 away from 4.", False),
        (("sum", (3, 4)), "shows", "First n is 3, then 7. It shows 7.", True),
        (("sum", (3, 4)), "shows", "It shows 7. It shows 8.", False),
        (("countdown", (3,)), "shows", "It shows 3, 2, 1.", True),
        (("countdown", (3,)), "shows", "It shows 3, 2, 1, 0.", False),
        (("countdown", (3,)), "does", "It counts down from 3.", True),
        (("chorus", (2, "good night")), "shows", "It shows good night, good night.", True),
        (("chorus", (2, "good night")), "does", "It says good night 2 times.", True),
        (("chorus", (2, "good night")), "does", "It says good night 3 times.", False),
    ],
)
def test_a_sentence_about_a_program_is_right_where_it_is_true(program, asks, answer, right):
    family, numbers = program
    sample = DOCUMENTS[0]
    notes = {
        "asks": asks,
        "family": family,
        "numbers": numbers,
        "output": "\n".join(map(str, FAMILIES[family].shows(*numbers))),
    }
    assert score(type(sample)("documentation", "", [], 0.0, 0, 0, notes), answer) == right


def test_the_meaning_of_one_line_is_no_answer_to_another():
    lines = [sample for sample in DOCUMENTS if sample.notes["asks"] == "line"]
    for sample, other in pairwise(lines):
        assert score(sample, other.answer) == (sample.notes["line"] == other.notes["line"])


def test_every_line_of_abacus_is_grammatical_and_nothing_like_it():
    for word, form in abacus.SYNTAX.items():
        line = form.format(**PARTS)
        assert WORLD.accepts(line), line
        assert coded(line)[0] == f"code {word}"
        assert WORLD.accepts(f"What does the line '{line}' do?")
    for wrong in ("set a 4", "Set a to 4", "set end to 4", "set a to 4.", "add a to", "repeat three"):
        assert not WORLD.accepts(wrong), wrong
        assert not WORLD.accepts(f"What does the line '{wrong}' do?")


def test_what_is_shown_is_written_on_one_line():
    assert in_a_row("3\n2\n1") == "3, 2, 1"


def test_texts_come_as_often_as_their_surprisal_says():
    times, likely, n_texts = Counter(), {}, 0
    for sample in WORLD.text(12_000_000, ["programs"], seed=5):
        n_texts += 1
        family = sample.notes["family"]
        if family in ("chorus", "total", "count", "countdown") and " wants " not in sample.text:  # few texts
            times[family] += 1
            likely[family, sample.text] = math.exp(-sample.nats)
    for family, n in times.items():
        assert sum(p for (of, _), p in likely.items() if of == family) == pytest.approx(n / n_texts, rel=0.05)
