"""classroom.exercise: an author's marks are understood, mistakes are told in one line, secrets stay in."""

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom import exercise
from classroom.exercise import ExerciseError


def mark(**changes) -> dict:
    return {
        "grade": False,
        "grade_id": "a",
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
        **changes,
    }


ANSWER = (mark(solution=True), "### BEGIN SOLUTION\nx = 1\n### END SOLUTION")
TESTS = (mark(grade=True, grade_id="t", points=2), "assert x == 1")


def written(path, *cells, kinds=()):
    """An .ipynb of (mark, source) cells, code unless `kinds` says otherwise."""
    notebook = nbformat.v4.new_notebook()
    for number, (nbgrader, source) in enumerate(cells):
        kind = kinds[number] if number < len(kinds) else "code"
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(make(source, metadata={"nbgrader": nbgrader} if nbgrader else {}))
    nbformat.write(notebook, path)
    return path


def test_an_exercise_in_text_is_read_with_its_roles_and_points(small):
    roles = [cell.role for cell in small.cells if cell.role != "text"]
    assert roles == [
        "given",
        "answer",
        "tests",
        "tests",
        "answer",
        "tests",
        "tests",
        "answer",
        "tests",
        "essay",
    ]
    assert small.max_score == 13
    assert small.cell("affine-test").points == 3


def test_a_notebook_made_with_nbgrader_alone_is_an_exercise_too(tmp_path):
    cells = [
        (None, "import math"),
        ANSWER,
        TESTS,
        (mark(grade=True, solution=True, grade_id="e", points=1), "Why?"),
        (
            mark(task=True, grade_id="k", points=3),
            "Do it.\n### BEGIN MARK SCHEME\nsecret\n### END MARK SCHEME",
        ),
    ]
    loaded = exercise.load(written(tmp_path / "a.ipynb", *cells, kinds=["code"] * 3 + ["markdown"] * 2))
    assert [cell.role for cell in loaded.cells] == ["given", "answer", "tests", "essay", "essay"]
    assert loaded.max_score == 6
    assert exercise.visible(loaded.cell("k")) == "Do it."


MISTAKES = {
    "the grade_id a is there twice": [ANSWER, ANSWER, TESTS],
    "no cell earns points": [ANSWER],
    "a cell with answer has no grade_id": [(mark(solution=True, grade_id=""), "x"), TESTS],
    "t needs points": [(mark(grade=True, grade_id="t", points="two"), "1")],
    "t needs points, a number from 0 on": [(mark(grade=True, grade_id="t", points=-1), "1")],
    "a is both code and marked by hand": [(mark(grade=True, solution=True, points=1), "x")],
    "the cell t is no Python": [(mark(grade=True, grade_id="t", points=1), "assert (")],
    "in a, BEGIN SOLUTION and END SOLUTION do not pair": [
        (mark(solution=True), "### BEGIN SOLUTION\nx"),
        TESTS,
    ],
    "in t, BEGIN HIDDEN TESTS": [
        (mark(grade=True, grade_id="t", points=1), "### END HIDDEN TESTS\n### BEGIN HIDDEN TESTS")
    ],
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_in_the_marks_is_told_in_one_line(tmp_path, message):
    with pytest.raises(ExerciseError, match=message) as caught:
        exercise.load(written(tmp_path / "a.ipynb", *MISTAKES[message]))
    assert len(str(caught.value).splitlines()) == 1
    assert "a.ipynb" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 5}', "\x00"])
def test_a_file_that_is_no_notebook_is_told_in_one_line(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    with pytest.raises(ExerciseError) as caught:
        exercise.load(path)
    assert len(str(caught.value).splitlines()) == 1


def test_an_exercise_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ExerciseError, match=r"There is no exercise nonsense: the book has attention, "):
        exercise.find("nonsense")
    with pytest.raises(ExerciseError, match="no such file"):
        exercise.find("/nowhere/a.md")
    assert exercise.find("attention").name == "attention.md"


def test_learners_see_no_answer_no_hidden_test_and_no_scheme(small):
    shown = "\n".join(map(exercise.visible, small.cells))
    for secret in ("the-author-wrote-this", "only-the-author-knows", "BEGIN", "END"):
        assert secret not in shown
    assert exercise.CODE_STUB.splitlines()[1] in shown
    assert "def softmax(x):" in shown
    assert "wrong on small scores" in shown


lines = st.sampled_from(["secret", "shown", "    secret", "", "x = 1", "### secret"])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.lists(lines, max_size=3)), max_size=5),
    st.sampled_from(["", "    ", "# "]),
)
def test_no_line_of_a_hidden_region_is_ever_seen(parts, indent):
    source, kept = [], []
    for hidden, body in parts:
        body = body if hidden else [line.replace("secret", "shown") for line in body]
        source += (
            [f"{indent}### BEGIN HIDDEN TESTS", *body, f"{indent}### END HIDDEN TESTS"] if hidden else body
        )
        kept += [] if hidden else body
    cell = exercise.Cell("tests", "\n".join(source), "t", 1.0)
    assert exercise.visible(cell).rstrip("\n") == "\n".join(kept).rstrip("\n")


def test_the_digest_changes_with_what_counts_and_with_nothing_else(small, tmp_path):
    first = exercise.load(written(tmp_path / "a.ipynb", ANSWER, TESTS)).digest()
    assert exercise.load(written(tmp_path / "b.ipynb", ANSWER, TESTS)).digest() == first
    others = [
        (ANSWER, (TESTS[0], "assert x")),
        ((ANSWER[0], ANSWER[1] + " "), TESTS),
        (ANSWER, (TESTS[0] | {"points": 3}, TESTS[1])),
    ]
    assert first not in {exercise.load(written(tmp_path / "c.ipynb", *cells)).digest() for cells in others}


NAMES = {
    "def f(): a = 1": {"f"},
    "class A:\n    b = 1": {"A"},
    "import a.b, c as d\nfrom e import f": {"a", "d", "f"},
    "x, (y, *z) = 1, (2, 3)\nfor i in x: pass\nwith a as b: pass": {"x", "y", "z", "i", "b"},
    "%%time\ndef f(): pass": {"f"},
    "%timeit 1\n!ls\nx = !ls\ny = %time 1\nprint?\n?print\nz = 2": {"x", "y", "z"},
    "x = 5\ndef (": set(),
    "(" * 9999: set(),
    "-" * 99_999 + "1": set(),
    "\x00": set(),
}


@pytest.mark.parametrize("source", NAMES, ids=range(len(NAMES)))
def test_the_names_that_a_cell_defines_are_found_and_nothing_fails(source):
    assert exercise.defined(source) == NAMES[source]


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text("%!?=()[]{}:\\\n \t\"'abc.#@"))
def test_no_text_of_a_cell_makes_the_syntax_fail(text):
    exercise.tree(text)
    exercise.defined(text)


def test_magics_become_python():
    assert "run_line_magic" in exercise.python("%matplotlib inline")
    assert exercise.python("x = 5 % 3") == "x = 5 % 3"
    assert exercise.python("%%time\n(") != ""
