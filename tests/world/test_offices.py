"""Clinic, bank, school and support: every answer follows from the text by the rules."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import World, judge, words
from tinylm.world.genres.offices import (
    CASES,
    DAYS,
    DEPARTMENTS,
    DOCTOR,
    EXERCISES,
    HOMEWORK,
    LESSONS,
    LETTERS,
    LONG,
    PASTS,
    PLURALS,
    REMEDIES,
    TERMS,
    held_out,
    value,
)

WORLD = World(0)


def texts(genre: str, n_chars: int = 200_000, unseen: bool = False) -> list:
    return list(WORLD.text(n_chars, [genre], seed=7, unseen=unseen))


def keys(sample) -> list[str]:
    return [sentence.key for sentence in sample.sentences]


def named(options, text: str) -> str | None:
    """Which of these words stands in a text; the longest where one is a part of another."""
    found = [option for option in options if re.search(rf"\b{option}\b", text, re.IGNORECASE)]
    return max(found, key=len, default=None)


def test_a_fever_or_more_than_a_week_is_for_the_doctor_and_all_else_has_its_remedy():
    for sample in texts("clinic"):
        rules = {"clinic rule", "clinic title"}
        told = " ".join(sample.text[s.start : s.end] for s in sample.sentences if s.key not in rules)
        days = named(DAYS, told)
        advice = DOCTOR if "fever" in keys(sample) or days in LONG else REMEDIES[named(REMEDIES, told)]
        assert advice in told.lower(), sample.text
        assert sample.notes["doctor"] == (advice == DOCTOR)
        assert not any(other in told.lower() for other in {*REMEDIES.values(), DOCTOR} - {advice}), (
            sample.text
        )


def test_the_days_of_an_illness_and_its_name_are_combined_as_the_split_says():
    for unseen in (False, True):
        for sample in texts("clinic", 40_000, unseen):
            facts = {fact.relation: fact.object for fact in sample.facts}
            if "since" in facts and "complaint" in facts:
                assert (facts["complaint"], facts["since"]) in CASES[unseen]


def test_a_balance_is_what_its_coins_add_up_to():
    for sample in texts("bank"):
        if {"account", "account line"} & set(keys(sample)) and "price" not in keys(sample):
            left = 0
            for sentence in sample.sentences:
                amount = re.search(r"\d+", sample.text[sentence.start : sentence.end])
                if sentence.key in ("account", "account line", "paid in", "line in"):
                    left += int(amount[0])
                elif sentence.key in ("paid out", "line out"):
                    left -= int(amount[0])
            assert left == sample.notes["label"] == int(re.findall(r"\d+", sample.answer)[-1]), sample.text
            assert left > 1


def test_what_one_account_loses_another_gains():
    found = 0
    for sample in texts("bank"):
        if "transfer" in keys(sample):
            start, change = re.fullmatch(r"(\d+) [+-] (\d+)", sample.notes["terms"]).groups()
            gains = "+" in sample.notes["terms"]
            assert sample.notes["label"] == int(start) + (int(change) if gains else -int(change))
            found += gains
    assert found > 50


def test_a_purchase_is_affordable_where_the_price_is_no_higher_than_the_money():
    for sample in texts("bank"):
        if "price" in keys(sample):
            coins, price = (
                int(re.search(r"\d+", sample.text[s.start : s.end])[0])
                for s in sample.sentences
                if s.key in ("account", "price")
            )
            assert sample.answer.startswith(" Yes" if coins >= price else " No"), sample.text


@given(st.lists(st.integers(0, 99), min_size=2, max_size=5), st.data())
def test_sums_are_worked_out_rightly_and_the_judge_can_tell(numbers, data):
    terms, expected = str(numbers[0]), numbers[0]
    for number in numbers[1:]:
        plus = data.draw(st.booleans())
        terms, expected = f"{terms} {'+' if plus else '-'} {number}", expected + (number if plus else -number)
    assert value(terms) == expected
    if expected >= 0:
        assert judge.verdict(WORLD, f"{terms} = {expected}.") == "true"
        assert judge.verdict(WORLD, f"{terms} = {expected + 1}.") == "false"


def test_the_teacher_finds_every_mistake_and_gives_the_hint_of_its_rule():
    found = set()
    for sample in texts("school"):
        pupil = next((s for s in sample.sentences if s.key.startswith("pupil ")), None)
        if pupil is None:
            continue
        wrote = sample.text[pupil.start : pupil.end]
        found.add((pupil.key, sample.notes["label"]))
        if pupil.key == "pupil sum":
            terms, amount = re.search(r"(\d+ [+-] \d+)\D+(\d+)", wrote).groups()
            excess = int(amount) - value(terms)
            label = "correct" if not excess else "too much" if excess > 0 else "too little"
        else:
            plural = pupil.key == "pupil plural"
            rule = next(rule for rule in (PLURALS if plural else PASTS) if sample.notes["hint"] == rule.hint)
            word = named(rule.examples, wrote.replace(" past", "").replace(" put", ""))
            right = (words.plural if plural else words.past)(word)
            label = "correct" if len(re.findall(rf"\b{right}\b", wrote)) > (right == word) else "mistake"
            assert (rule.hint in sample.answer) == (label == "mistake") == (f"is {right}." in sample.answer)
        assert sample.notes["label"] == label, sample.text
    assert len(found) == 3 + 2 * 2


@pytest.mark.parametrize("rule", PLURALS + PASTS, ids=lambda rule: rule.hint)
def test_a_mistake_is_one_for_every_word_of_its_rule(rule):
    change = words.plural if rule in PLURALS else words.past
    for word in rule.examples:
        assert word + rule.ending != change(word)


def test_points_and_homework_are_asked_for_as_told():
    for sample in texts("school"):
        if "mark" in keys(sample):
            points = {fact.subject: fact.object for fact in sample.facts if fact.relation == "mark"}
            if "best!" in keys(sample):
                assert points[sample.notes["label"]] == max(points.values())
            if "worst!" in keys(sample):
                assert points[sample.notes["label"]] == min(points.values())
        if "homework" in keys(sample):
            tasks = {fact.subject: fact.object for fact in sample.facts if fact.relation == "homework"}
            asked = sample.text.partition("Question:")[2]
            assert (
                tasks[named(words.WEEKDAYS, asked)] == named(HOMEWORK, sample.answer) == sample.notes["label"]
            )


def test_a_letter_goes_to_the_department_of_its_trouble_and_the_manager_reads_the_urgent_ones():
    asked = set()
    for sample in texts("support"):
        letter = " ".join(
            sample.text[s.start : s.end]
            for s in sample.sentences
            if "rule" not in s.key and "content" not in s.key and "ticket" not in s.key
        )
        department = DEPARTMENTS[named(DEPARTMENTS, letter)]
        urgent = any("third letter" in key for key in keys(sample)) or named(DAYS, letter) in LONG
        assert f"Department: {department}." in sample.text
        if "To the manager:" in sample.text:
            assert ("To the manager: Yes." in sample.text) == urgent, sample.text
        if "Solution:" in sample.text:
            assert f"{department} solution" in keys(sample)
        asked.add((sample.notes["asked"], sample.notes["label"]))
        assert sample.answer
        assert "\n" not in sample.answer
    assert len(asked) == 4 + 2 + 4


def test_combinations_held_out_stand_in_no_training_text():
    for unseen in (False, True):
        for sample in texts("support", 40_000, unseen):
            first = next(s for s in sample.sentences if s.key in ("trouble", "reported trouble"))
            text = sample.text[first.start : first.end]
            trouble = named(DEPARTMENTS, text)
            good = named({good for good, _ in LETTERS[False]}, text)
            assert (good, trouble) in LETTERS[unseen], text
        for sample in texts("school", 40_000, unseen):
            for fact in sample.facts:
                if fact.relation == "homework":
                    assert (fact.subject, fact.object) in LESSONS[unseen]
            if "pupil sum" in keys(sample):
                first, second = map(int, re.search(r"(\d+) [+-] (\d+)", sample.text).groups())
                assert (first, second) in TERMS[unseen]


@given(st.sampled_from([CASES, LETTERS, LESSONS, TERMS]))
def test_one_combination_in_five_is_held_out(split):
    assert not set(split[True]) & set(split[False])
    assert 0.15 < len(split[True]) / (len(split[True]) + len(split[False])) < 0.25


def test_every_rule_of_spelling_has_words_for_training_and_held_out_ones():
    for (kind, unseen), rules in EXERCISES.items():
        for rule, some in rules:
            assert some
            assert not set(some) & set(dict((r.hint, e) for r, e in EXERCISES[kind, not unseen])[rule.hint])


@given(st.integers(0, 30), st.integers(0, 30))
def test_what_is_held_out_depends_on_both_places(first, second):
    assert sum(held_out(first, other) for other in range(second, second + 5)) == 1
    assert sum(held_out(other, second) for other in range(first, first + 5)) == 1
