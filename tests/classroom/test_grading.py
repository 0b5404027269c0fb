"""classroom.grading: a result is a function of exercise, file and seed, and honest in each part."""

import json
from dataclasses import replace

import pytest

from classroom import exercise, grading, sandbox
from classroom.exercise import Cell, Exercise, ExerciseError
from classroom.grading import Limits, Result
from classroom.submission import Submission

LIMITS = Limits(cell=3, notebook=15, memory=512, disk=32)


@pytest.fixture(scope="module")
def mode() -> str:
    try:
        return sandbox.choose()
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))


def graded(source, mode, limits=LIMITS, seed=0, **answers) -> Result:
    found = grading.author_answers(source)
    found = Submission({**found.answers, **answers})
    return grading._grade(
        source, found, grading.contract_of(grading.Key(source), mode, limits), mode, limits, seed
    )


def tiny(
    test: str, answer: str = "def f(x):\n    return 2 * x", points: float = 2.0, given: str = "import random"
) -> Exercise:
    cells = [Cell("given", given), Cell("answer", answer, "f"), Cell("tests", test, "t", points)]
    return Exercise("tiny", cells)


def test_the_authors_answers_earn_full_marks_and_the_essay_waits_for_a_person(small, mode):
    result = graded(small, mode)
    assert (result.score, result.max_score) == (9, 13)
    assert [score.id for score in result.to_mark] == ["why"]
    assert result.exercise_digest == small.digest()


def test_a_result_is_the_same_each_time_and_survives_its_file(small, mode):
    wrong = {
        "softmax": "import random\ndef softmax(x):\n    print(random.random())\n    return x + torch.rand(1)"
    }
    first, second = (graded(small, mode, seed=5, **wrong) for _ in range(2))
    assert replace(first, seconds=0) == replace(second, seconds=0)
    assert first.output
    again = Result.from_json(json.loads(json.dumps(first.as_json())))
    assert again == first


def test_an_unanswered_exercise_earns_nothing(small, mode):
    blank = {cell.id: exercise.visible(cell) for cell in small.of("answer", "essay")}
    result = graded(small, mode, **blank)
    assert result.score == 0
    assert not result.to_mark


def test_a_failure_in_a_hidden_test_is_told_to_the_learner_without_the_test(mode):
    source = tiny("assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(123) == 246\n### END HIDDEN TESTS")
    (score,) = graded(source, mode, f="def f(x):\n    return 2").scores
    assert score.points == 0
    assert score.message == "A further test failed, on other inputs than those shown."
    assert "123" not in score.message
    assert "line 3, hidden" in score.detail


def test_a_test_may_give_a_part_of_its_points(mode):
    source = tiny("score = 0\nfor x in (1, 2):\n    score += f(x) == 2 * x\nscore")
    assert graded(source, mode).score == 2
    assert graded(source, mode, f="def f(x):\n    return 2").score == 1


def test_marks_that_were_earned_before_time_ran_out_are_kept(small, mode):
    """The first test that hangs is left out of the next attempt; what was earned stays earned."""
    slow = "def rotate(items, n):\n    while True: pass"
    result = graded(small, mode, Limits(cell=2, notebook=3, memory=512, disk=32), rotate=slow)
    scores = {score.id: score.points for score in result.scores}
    assert scores["softmax-test"] == 2
    assert scores["rotate-test"] == 0


def test_answers_of_the_author_that_fail_their_tests_are_told_before_any_learner_is_graded(mode):
    with pytest.raises(
        ExerciseError, match=r"tiny: its own answers do not earn full marks in t: line 1: three"
    ) as caught:
        graded(tiny("assert f(1) == 3, 'three'"), mode)
    assert len(str(caught.value).splitlines()) == 1


def test_a_sandbox_that_cannot_last_is_no_fault_of_a_learners(small, mode, monkeypatch):
    monkeypatch.setattr(grading, "run", lambda mode, work: None)
    with pytest.raises(sandbox.NoSandbox, match=r"ended 3 times over the author's answers"):
        graded(replace(small, name="another", cells=[*small.cells, Cell("text", "new")]), mode)
    result = grading._grade(small, grading.author_answers(small), {}, mode, LIMITS, 0)
    assert result.score == 0
    assert "look at it by hand" in result.remarks[0]


def test_a_helper_of_the_authors_may_use_the_learners_names(mode):
    source = tiny("assert twice_f(3) == 12", given="import random\ndef twice_f(x):\n    return f(f(x))")
    assert graded(source, mode).score == 2
    assert graded(source, mode, f="def f(x):\n    return x").score == 0


def test_what_tests_rely_on_is_the_authors_and_not_the_learners(mode):
    source = tiny("assert f(1) == LIMIT", given="import random\nLIMIT = 2")
    assert graded(source, mode, f="LIMIT = 7\ndef f(x):\n    return 7").score == 0


def test_a_name_that_a_given_cell_makes_of_an_answer_is_the_learners():
    cells = [
        Cell("answer", "def f(x): return x", "f"),
        Cell("given", "y = f(3)\nz = 4"),
        Cell("tests", "assert y == z - 1", "t", 1.0),
    ]
    source = Exercise("made", cells)
    assert grading.learners_names(source) == {"f", "y"}
    steps, _ = grading.plan(source, Submission({"f": "def f(x): return 5"}))
    assert [step["source"] for step in steps if step["kind"] == "trusted"] == ["z = 4"]
    assert steps[-1]["wants"] == ["y"]


def test_what_is_told_can_be_printed():
    told = {"a": ["\x1b[31mred\x1b[0m\r\n", "\x00\x07\ud800\u202e"], "b": 1}
    mark = "\N{REPLACEMENT CHARACTER}"
    assert grading._printable(told) == {"a": ["red\n", mark * 4], "b": 1}
