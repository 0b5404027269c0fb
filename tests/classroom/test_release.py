"""Learners get stubs and visible tests, and nothing else of the author's; nbgrader gets all of it."""

import jupytext
import nbformat
import tiny

from classroom import exercise, first_cell, grading, release, sandbox, submission

SECRETS = [
    "2 * x",
    "text.split()",
    "double(-7)",
    "no words",
    "new ones come",
    "Marking scheme",
    "forbidden",
    "BEGIN ",
]


def author(tmp_path):
    return exercise.read_notebook(tiny.write_source(tmp_path))


def test_the_learners_notebook_has_no_answer_and_no_hidden_test(tmp_path):
    text = nbformat.writes(release.for_learners(author(tmp_path), tiny.load(tmp_path)))
    assert not [secret for secret in SECRETS if secret in text]
    assert "raise NotImplementedError()" in text
    assert "YOUR ANSWER HERE" in text
    assert "three and three are six" in text


def test_the_same_source_gives_the_same_file(tmp_path):
    one, two = (
        nbformat.writes(release.for_learners(author(tmp_path), tiny.load(tmp_path))) for _ in range(2)
    )
    assert one == two


def test_test_cells_are_locked_and_keep_nbgraders_marks(tmp_path):
    made = release.for_learners(author(tmp_path), tiny.load(tmp_path))
    tests = [
        cell
        for cell in made.cells
        if cell.metadata.get("nbgrader", {}).get("points") and cell.cell_type == "code"
    ]
    assert [cell.metadata.nbgrader.points for cell in tests] == [2, 3]
    assert all(cell.metadata.editable is False and cell.metadata.deletable is False for cell in tests)


def test_the_cells_of_a_release_are_not_taken_for_the_learners(tmp_path):
    data = nbformat.writes(tiny.notebook(tmp_path, tiny.FULL)).encode()
    found = submission.rebuild(data, tiny.load(tmp_path))
    assert found.extras == []
    assert found.remarks == []


def test_a_release_handed_in_untouched_earns_nothing(tmp_path):
    data = nbformat.writes(tiny.notebook(tmp_path, {})).encode()
    result = grading.grade_bytes(tiny.load(tmp_path), data, sandbox.choose())
    assert [score.points for score in result.scores] == [0, 0, 0]
    assert result.scores[0].message.startswith("Nothing is written there yet")


def test_nbgrader_gets_the_source_without_a_loss(tmp_path):
    source, made = author(tmp_path), release.for_nbgrader(author(tmp_path))
    assert [(c.cell_type, c.source, dict(c.metadata)) for c in made.cells] == [
        (c.cell_type, c.source, dict(c.metadata)) for c in source.cells
    ]
    back = jupytext.reads(jupytext.writes(made, fmt="md:myst"), fmt="md:myst")
    assert [(c.cell_type, c.source) for c in back.cells] == [(c.cell_type, c.source) for c in source.cells]


def test_the_setup_cell_begins_with_the_installation(tmp_path):
    assert release.setup_source(tiny.load(tmp_path)).startswith(first_cell.source("classroom"))
