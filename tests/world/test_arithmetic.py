"""Arithmetic and puzzles: what they calculate is right, wrong sums are found, what is held out stays so."""

import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import World, judge
from tinylm.world.genres import arithmetic
from tinylm.world.genres.arithmetic import POOLS, compute, held_out, score

WORLD = World(0)
NUMBERS = st.integers(0, 999)
ASKED = re.compile(r"\b(\d+) (\+|-|x|plus|minus|times) (\d+)(?=[ .?])")
SIGN = {"plus": "+", "minus": "-", "times": "x"}


def texts(genre: str, n_chars: int = 200_000, **options):
    return WORLD.text(n_chars, [genre], seed=2, **options)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("3 + 4 = 7", "true"),
        ("3 + 4 = 8", "false"),
        ("10 - 3 - 1 = 6", "true"),
        ("10 - 3 - 1 = 8", "false"),
        ("6 x 7 = 42", "true"),
        ("Everybody knows that 6 times 7 is 41.", "false"),
        ("7 + 8 = 15, write 5, carry 1", "true"),
        ("7 + 8 = 15, write 1, carry 5", "false"),
        ("2 is less than 7, so 12 - 7 = 5, borrow 1", "true"),
        ("0 is less than 0, so 10 - 0 = 10, borrow 1", "false"),
        ("1956 is before 1960.", "true"),
        ("1960 is before 1956.", "false"),
        ("Compute 3 + 4.\nAnswer: 7.", "true"),
        ("Compute 3 + 4.\nAnswer: 8.", "false"),
        ("What is more, 30 or 4?\nAnswer: 30.", "true"),
        ("What is more, 30 or 4?\nAnswer: 4.", "false"),
        ("Continue 2, 5, 8.\nAnswer: 11.", "true"),
        ("Continue 2, 5, 8.\nAnswer: 12.", "false"),
    ],
)
def test_the_judge_finds_what_is_wrongly_calculated(statement, verdict):
    assert judge.verdict(WORLD, statement) == verdict


@given(NUMBERS, st.lists(st.tuples(st.sampled_from("+-"), NUMBERS), min_size=1, max_size=4))
def test_sums_and_differences_are_computed_from_the_left(first, rest):
    calculation = " ".join([str(first), *(f"{sign} {number}" for sign, number in rest)])
    assert compute(calculation) == first + sum(number if sign == "+" else -number for sign, number in rest)


@given(st.text())
def test_what_is_no_calculation_has_no_result(text):
    assert compute(text) is None or arithmetic.CALCULATION.fullmatch(text)
    assert compute(f"{text} ++ 1") is None


@pytest.mark.parametrize("fact", [None, "", "Mara", 7, "3 or", "3, 4, x"])
def test_checks_survive_a_subject_that_is_no_calculation(fact):
    for relation in ("equals", "larger", "goes-on"):
        assert not arithmetic.CHECKS[relation](WORLD, arithmetic.Fact(relation, fact, 7))


@given(st.integers(0, 200), st.integers(0, 200))
def test_what_is_held_out_is_so_in_either_order_and_never_a_multiple_of_ten(a, b):
    assert held_out(a, b) == held_out(b, a)
    assert not (held_out(a, b) and (a % 10 == 0 or b % 10 == 0))


@pytest.mark.parametrize("sign", POOLS)
def test_about_one_pair_in_five_is_held_out_but_no_pair_of_last_digits(sign):
    seen, held = POOLS[sign][False], POOLS[sign][True]
    assert 0.12 < len(held) / len(seen + held) < 0.28
    digits = {(a % 10, b % 10) for a, b in seen}
    assert digits >= {(a % 10, b % 10) for a, b in held}


@pytest.mark.parametrize("genre", ["arithmetic", "puzzles"])
def test_training_text_never_calculates_what_is_held_out(genre):
    for sample in texts(genre):
        for a, sign, b in ASKED.findall(sample.text.replace(" =", "?")):
            pair = (int(a), int(b))
            assert pair not in POOLS[SIGN.get(sign, sign)][True], sample.text


def test_evaluation_asks_for_what_is_held_out():
    for sample in texts("arithmetic", unseen=True):
        question = sample.text.partition("\n")[0]
        asked = ASKED.findall(question)
        if len(asked) == 1 and question.count("+") + question.count("plus") < 2:
            [(a, sign, b)] = asked
            assert (int(a), int(b)) in POOLS[SIGN.get(sign, sign)][True], sample.text
        assert sample.answer


def arrangement(text: str) -> tuple:
    """How three people are compared, whoever they are, and who is asked for."""
    compared = re.findall(r"(\w+ \w+) is (\w+er) than (\w+ \w+)\.", text)
    places: dict[str, int] = {}
    for first, _, second in compared:
        places.setdefault(first, len(places))
        places.setdefault(second, len(places))
    shape = tuple((places[first], more, places[second]) for first, more, second in compared)
    return shape, re.search(r"the (\w+est)\b", text)[1]


def test_training_puzzles_never_compare_people_as_evaluation_does():
    seen, held = (
        {arrangement(sample.text) for sample in texts("puzzles", unseen=unseen) if "From the" in sample.text}
        for unseen in (False, True)
    )
    assert len(seen) > 30
    assert len(held) > 8
    assert not seen & held


@pytest.mark.parametrize("genre", ["arithmetic", "puzzles"])
@pytest.mark.parametrize("unseen", [False, True])
def test_the_right_answer_scores_and_another_does_not(genre, unseen):
    for sample in texts(genre, 50_000, unseen=unseen):
        if sample.answer_at is None:
            continue
        assert score(sample, sample.answer)
        assert score(sample, f"Answer: {sample.notes['answer']}")
        assert not score(sample, "")
        assert not score(sample, f"{sample.answer} Answer: Nobody knows.")
        assert not score(sample, sample.answer.rpartition(" ")[0])


def test_the_answer_to_a_puzzle_of_numbers_follows_from_its_numbers():
    checked = 0
    for sample in texts("puzzles"):
        story, _, rest = sample.text.partition("?")
        numbers = [int(number) for number in re.findall(r"\d+", story)]
        answer = re.search(r"Answer: (\d+) ", rest)
        if answer and len(numbers) == 2:
            a, b = numbers
            assert int(answer[1]) in {a + b, a - b, a * b}
            checked += 1
    assert checked > 200


def test_who_is_older_is_true_of_the_world():
    checked = 0
    for sample in texts("puzzles"):
        if found := re.search(r"(?:older|first), (\w+ \w+) or (\w+ \w+)\?", sample.text):
            oldest = min(found.groups(), key=lambda name: int(WORLD.truth["born"][name]))
            assert sample.notes["answer"] == f"{oldest}."
            checked += 1
    assert checked > 20


def test_a_fact_about_zero_is_about_zero():
    facts = {fact for sample in texts("arithmetic") for fact in sample.facts if fact.relation == "less"}
    assert {fact.subject for fact in facts} == set(range(9))


def test_nobody_has_one_apples():
    assert not any(re.search(r"\b1 [a-z]+s\.$", sample.text) for sample in texts("puzzles"))


def test_texts_come_as_often_as_their_surprisal_says():
    times, likely, n_texts = Counter(), {}, 0
    for sample in texts("arithmetic", 6_000_000):
        n_texts += 1
        opening = sample.sentences[0].key
        if opening in ("sum table of", "sum adding", "sum taking away"):  # few texts
            times[opening] += 1
            likely[opening, sample.text] = math.exp(-sample.nats)
    for opening, n in times.items():
        assert sum(p for (of, _), p in likely.items() if of == opening) == pytest.approx(
            n / n_texts, rel=0.05
        )
