"""classroom.tester: points of a test, and what is said about one that failed."""

import pytest

from classroom import tester
from classroom.tester import describe, has_message, hidden_lines, partial

SOURCE = '''"""What is tested."""
assert 1 == 1, "a message"
assert 2 == 2
check(3, msg="another")
check(4)
### BEGIN HIDDEN TESTS
assert 5 == 5, f"hidden {1 + 1}"
assert (
    6 == 6
)
### END HIDDEN TESTS
assert 7 == 7'''


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (None, 2),
        (1, 1),
        (0.5, 0.5),
        (0, 0),
        (5, 2),
        (-1, 2),
        (True, 2),
        ("1", 2),
        (float("nan"), 2),
        (float("inf"), 2),
        ([1], 2),
    ],
)
def test_a_number_in_the_end_is_the_score_by_nbgraders_rule(value, points):  # fmt: skip
    assert partial(value, 2.0) == points


def test_hidden_lines_are_those_between_the_marks():
    assert hidden_lines(SOURCE) == [(6, 11)]


@pytest.mark.parametrize(
    ("line", "expected"), [(2, True), (3, False), (4, True), (5, False), (7, True), (8, False), (9, False)]
)
def test_a_message_of_the_authors_is_found_at_its_line(line, expected):
    assert has_message(SOURCE, line) == expected


def failing(source: str) -> dict:
    step = {"id": "t", "source": source}
    try:
        exec(compile(source, "<t>", "exec"), {})
    except Exception as error:  # noqa: BLE001
        return describe(error, step, "<t>")
    raise AssertionError("it passed")


def test_a_failure_is_described_with_its_line_and_words():
    found = failing("x = 1\nassert x == 2, 'not two'")
    assert found == {
        "kind": "failed",
        "message": "not two",
        "trace": "",
        "line": 2,
        "hidden": False,
        "own_words": True,
    }
    hidden = failing("### BEGIN HIDDEN TESTS\nassert 1 == 2\n### END HIDDEN TESTS")
    assert hidden["hidden"]
    assert not hidden["own_words"]
    assert hidden["message"] == "an assertion failed"
    assert failing("{}['a']")["message"] == "KeyError: 'a'"


def test_a_message_is_cut():
    assert len(failing("raise ValueError('x' * 10**6)")["message"]) < 1600


def test_the_same_seed_draws_the_same_numbers():
    import random

    import numpy as np
    import torch

    draws = []
    for _ in range(2):
        tester.seed_everything(7)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]
    tester.seed_everything(1 << 40)
