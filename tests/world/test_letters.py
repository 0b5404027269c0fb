"""Letters and conversations: who writes to whom, in one style, and what is answered to what."""

import re
from itertools import pairwise

import pytest

from tinylm.world import judge


@pytest.fixture(scope="module")
def letters(world):
    return list(world.text(300_000, ["letters"], seed=5))


@pytest.fixture(scope="module")
def talks(world):
    return list(world.text(300_000, ["conversations"], seed=5))


def test_a_letter_is_signed_by_its_sender(letters):
    for sample in letters:
        signature = sample.text.split("\n")[-1]
        if sample.text.startswith("From: "):
            sender = sample.text.split("\n")[0].removeprefix("From: ")
            assert signature in (sender, sender.split()[0]), sample.text
        else:
            assert len(signature.split()) == 2, sample.text


def test_nobody_writes_to_themselves(letters):
    for sample in letters:
        if sample.text.startswith("From: "):
            sender, receiver = [line.split(": ")[1] for line in sample.text.split("\n")[:2]]
            assert sender != receiver


def test_a_letter_has_a_body(letters):
    for sample in letters:
        lines = sample.text.split("\n")
        greeting = next(i for i, line in enumerate(lines) if re.match("Dear|Hello|Hi|Most honoured", line))
        assert len(lines) == greeting + 4, sample.text


def test_the_subject_says_what_the_letter_is_about(letters):
    found = 0
    for sample in letters:
        subject = re.search(r"^Subject: A visit on (\w+)$", sample.text, re.MULTILINE)
        if subject:
            found += 1
            assert sample.text.count(subject[1]) >= 2, sample.text
    assert found > 50


def test_half_of_the_letters_are_formal(letters):
    formal = sum(sample.notes["style"] == "formal" for sample in letters)
    assert formal / len(letters) == pytest.approx(0.5, abs=0.05)


def test_first_persons_state_what_is_true_of_the_sender(world, letters):
    stated = 0
    for sample in letters[:500]:
        for piece in judge.read(world, sample.text):
            stated += piece.verdict == judge.TRUE
            assert piece.verdict != judge.FALSE
    assert stated > 300


def test_the_assistant_remembers_what_the_user_said(talks):
    asked = [sample for sample in talks if sample.answer_at]
    assert len(asked) > 200
    for sample in asked:
        said = sample.text.split("\n")[0]
        thing = re.search(r"(?:an?|my|the) ([\w ]+?)(?: today)?\.$", said)[1].removeprefix("my ")
        assert thing in sample.answer, sample.text


def test_who_is_asked_answers(talks):
    for sample in talks:
        lines = sample.text.split("\n")
        if not sample.answer_at:
            speakers = [line.split(":")[0].split()[0] for line in lines]
            assert len(set(speakers)) <= 2
            assert all(one != other for one, other in pairwise(speakers)) or len(set(speakers)) == 1, (
                sample.text
            )


def test_a_choice_is_answered_as_a_choice(talks):
    for sample in talks:
        for question, answer in re.findall(r"User: (What [^\n]*)\nAssistant: ([^\n]*)", sample.text):
            if question.startswith(("What shall", "What do you")):
                assert answer in ("Whatever you like.", "You may choose.", "Anything is fine.")
