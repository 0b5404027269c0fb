"""Every exercise: its answers pass its tests, a blank copy passes none, and the sources are whole."""

import re
from pathlib import Path

import jupytext
import pytest
import torch

EXERCISES = sorted((Path(__file__).parents[1] / "exercises").glob("*.md"))
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION\n?", re.DOTALL | re.MULTILINE)


def code_cells(path: Path) -> list:
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def mark(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def failures(path: Path, blank: bool) -> dict[str, str]:
    """The tests that fail, by grade id, when the notebook runs from top to bottom."""
    torch.manual_seed(0)
    names, failed = {}, {}
    for cell in code_cells(path):
        source = SOLUTION.sub(r"\1raise NotImplementedError\n", cell.source) if blank else cell.source
        try:
            exec(compile(source, str(path), "exec"), names)
        except Exception as error:
            if mark(cell).get("grade"):
                failed[mark(cell)["grade_id"]] = f"{type(error).__name__}: {error}"
            elif not blank:
                raise
    return failed


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_the_answers_earn_full_marks(path):
    assert failures(path, blank=False) == {}


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_a_blank_copy_earns_nothing(path):
    graded = {mark(cell)["grade_id"] for cell in code_cells(path) if mark(cell).get("grade")}
    assert graded
    assert set(failures(path, blank=True)) == graded


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_every_task_is_whole(path):
    cells = code_cells(path)
    ids = [mark(cell)["grade_id"] for cell in cells if mark(cell)]
    assert len(ids) == len(set(ids))
    for cell in cells:
        if mark(cell).get("solution"):
            assert SOLUTION.search(cell.source)
            assert f"{mark(cell)['grade_id']}-test" in ids
        elif mark(cell).get("grade"):
            assert mark(cell)["points"] > 0
            assert cell.source.startswith('"""')
            assert "### BEGIN HIDDEN TESTS" in cell.source
            assert "### END HIDDEN TESTS" in cell.source


def test_each_exercise_belongs_to_a_chapter():
    chapters = {path.stem for path in (Path(__file__).parents[1] / "chapters").glob("*.md")}
    assert {path.stem for path in EXERCISES} <= chapters
