"""Every exercise: its answers pass its tests, blank and lazy ones pass none, and the sources are whole."""

import ast
import builtins
import random
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import torch

from classroom.exercise import Cell, Exercise, defined, load, read_notebook, solution, visible

ROOT = Path(__file__).parents[1]
EXERCISES = sorted((ROOT / "exercises").glob("*.md"))
NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
# what a lazy answer returns, whatever it is asked; "input" is its first argument
LAZY = {"nothing": None, "zero": 0.0, "nan": float("nan"), "one": torch.ones(1)}


@pytest.fixture(params=EXERCISES, ids=lambda path: path.stem)
def exercise(request) -> Exercise:
    return load(request.param)


def answer_of(exercise: Exercise, tests: Cell) -> Cell:
    return exercise.cell(tests.id.removesuffix("-test"))


def failures(exercise: Exercise, answers, seed: int = 0) -> set[str]:
    """The tests that fail when the notebook runs through; `answers(cell, names)` runs an answer."""
    random.seed(seed)
    torch.manual_seed(seed)
    names, failed = {}, set()
    for cell in exercise.of("given", "answer", "tests"):
        try:
            if cell.role == "answer":
                answers(cell, names)
            else:
                exec(cell.source, names)
        except Exception as error:
            if cell.role == "tests":
                failed.add(cell.id)
            elif answers is right:
                raise AssertionError(f"{exercise.name}: {cell.source}") from error
    return failed


def right(cell: Cell, names: dict) -> None:
    exec(cell.source, names)


def blank(cell: Cell, names: dict) -> None:
    exec(visible(cell), names)


@pytest.mark.parametrize("seed", range(3))
def test_the_answers_earn_full_marks(exercise, seed):
    assert failures(exercise, right, seed) == set()


def test_a_blank_copy_earns_nothing(exercise):
    assert failures(exercise, blank) == {cell.id for cell in exercise.of("tests")}


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # a tensor where a dictionary was due
@pytest.mark.parametrize("lazy", [*LAZY, "input"])
def test_an_answer_that_is_always_the_same_earns_nothing(exercise, lazy):
    def answer(cell, names):
        for name in defined(cell.source):
            names[name] = lambda first, *rest: first if lazy == "input" else LAZY[lazy]

    assert failures(exercise, answer) == {cell.id for cell in exercise.of("tests")}


def test_every_task_is_whole(exercise):
    tests = exercise.of("tests")
    assert len(tests) >= 4
    assert {answer_of(exercise, cell).id for cell in tests} == {cell.id for cell in exercise.of("answer")}
    for cell in tests:
        assert cell.points > 0
        assert cell.source.startswith('"""'), f"{cell.id} does not say what it checks"
        assert "### BEGIN HIDDEN TESTS" in cell.source
    for cell, after in zip(exercise.cells, exercise.cells[1:], strict=False):
        if cell.role == "answer":
            assert "### BEGIN SOLUTION" in cell.source
            assert after.role == "given", f"{cell.id} has no cell to see what it does"
            assert "# see it" in after.source


def test_one_task_is_answered_in_words(exercise):
    (essay,) = exercise.of("essay")
    assert 2 <= essay.points <= 4
    assert visible(essay) == "YOUR ANSWER HERE"
    scheme = " ".join(solution(essay).split()).partition("Marking scheme: one point for ")[2]
    assert scheme, "it says for what each point is given"
    assert scheme.count("one for ") + 1 == essay.points
    after = exercise.cells[exercise.cells.index(essay) :]
    assert sum(cell.role == "tests" for cell in after) <= 1, "it belongs near the end"


def test_every_task_says_how_hard_and_how_long_it_is(exercise):
    headings = [cell.source for cell in exercise.of("text") if "\n## " in f"\n{cell.source}"]
    tasks = "\n".join(headings).split("\n## ")[1:] if headings[0].startswith("# ") else headings
    statements = [task for task in tasks if task.strip()]
    assert len(statements) == len(exercise.of("tests", "essay"))
    for statement in statements:
        assert statement.split("\n\n")[1].startswith(("*Easy, ", "*Medium, ", "*Investigation, ")), statement


def test_every_failure_says_something(exercise):
    for cell in exercise.of("tests"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Assert):
                assert node.msg, f"{cell.id}: {ast.unparse(node)} has no message"
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("assert_close"):
                assert "msg" in [keyword.arg for keyword in node.keywords], f"{cell.id}: {ast.unparse(node)}"


def test_only_plain_values_go_to_the_learners_functions(exercise):
    """A grader runs them in another process, which a function or a model of the test does not reach."""
    learners = {name for cell in exercise.of("answer") for name in defined(cell.source)}
    for cell in exercise.of("tests"):
        tree = ast.parse(cell.source)
        own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in learners:
                parts = [n for argument in call.args for n in ast.walk(argument)]
                assert not any(isinstance(n, ast.Lambda) for n in parts), f"{cell.id}: {ast.unparse(call)}"
                names = {n.id for n in parts if isinstance(n, ast.Name)}
                assert not names & own, f"{cell.id}: {ast.unparse(call)}"


def test_a_test_needs_nothing_but_imports_and_its_own_answer(exercise):
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for cell in exercise.of("given")
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for cell in exercise.of("tests"):
        names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
        known = {node.id for node in names if isinstance(node.ctx, ast.Store)} | imported | set(dir(builtins))
        known |= defined(answer_of(exercise, cell).source)
        assert {node.id for node in names if isinstance(node.ctx, ast.Load)} <= known, cell.id


def test_a_forbidden_name_is_said_and_not_used_by_the_answer(exercise):
    for answer, before in zip(exercise.cells[1:], exercise.cells, strict=False):
        if answer.forbidden:
            assert answer.role == "answer"
            said = [name for name in answer.forbidden if re.search(rf"`(\w+\.)*{name}`", before.source)]
            assert said, f"the statement of {answer.id} forbids none of {answer.forbidden}"
        nodes = list(ast.walk(ast.parse(answer.source))) if answer.role == "answer" else []
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not used & set(answer.forbidden)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_as_a_notebook_and_back_it_is_the_same(path):
    notebook = read_notebook(path)
    read_back = nbformat.reads(nbformat.writes(notebook), 4)
    again = jupytext.reads(jupytext.writes(read_back, "md:myst"), "md:myst")
    for cell, twin in zip(notebook.cells, again.cells, strict=True):
        assert (cell.cell_type, cell.source) == (twin.cell_type, twin.source)
        assert cell.metadata == twin.get("metadata", {})


def test_the_introduction_counts_the_tasks(exercise):
    tests, essays = exercise.of("tests"), exercise.of("essay")
    introduction = " ".join(exercise.cells[0].source.split())
    assert f"{NUMBERS[len(tests) + len(essays)].capitalize()} tasks from the chapter on" in introduction
    assert f"{NUMBERS[len(tests)].capitalize()} have a cell to fill in" in introduction
    assert f"{NUMBERS[len(essays)]} asks for an explanation" in introduction
    assert "further ones run when it is graded" in introduction


def test_each_exercise_belongs_to_a_chapter():
    assert {path.stem for path in EXERCISES} <= {path.stem for path in (ROOT / "chapters").glob("*.md")}


def test_each_exercise_is_a_page_of_the_book():
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert re.findall(r"file: exercises/(\S+)", contents) == [
        stem
        for stem in re.findall(r"file: chapters/(\S+)", contents)
        if ROOT / f"exercises/{stem}.md" in EXERCISES
    ], "in the order of their chapters"
