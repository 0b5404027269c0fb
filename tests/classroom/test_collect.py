"""Who handed in what: the folders that platforms make, and names that people give."""

import os
import shutil

import pytest

from classroom.collect import NothingHandedIn, collect


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def found(folder) -> dict[str, str]:
    return {one.student: one.path.relative_to(folder).as_posix() for one in collect(folder, "attention")}


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("anna.ipynb", "anna"),
        ("anna/attention.ipynb", "anna"),
        ("anna/whatever.ipynb", "anna"),
        ("anna/attention/attention.ipynb", "anna"),
        ("Anna Alm_123_assignsubmission_file/attention.ipynb", "Anna Alm_123_assignsubmission_file"),
        ("almanna_123_456_attention.ipynb", "almanna_123_456_attention"),
        ("-rf 'x' \"y\"\n.ipynb", "-rf 'x' \"y\"\n"),
        ("$(touch x).ipynb", "$(touch x)"),
    ],
)
def test_each_layout_and_each_name_is_one_learner(tmp_path, path, student):
    touch(tmp_path / path)
    assert found(tmp_path) == {student: path}


def test_the_notebook_named_after_the_exercise_is_taken_and_the_choice_is_told(tmp_path):
    for name in ("aaa", "attention", "old/attention"):
        touch(tmp_path / "anna" / f"{name}.ipynb")
    (one,) = collect(tmp_path, "attention")
    assert one.path == tmp_path / "anna" / "attention.ipynb"
    assert "3 notebooks" in one.remarks[0]


def test_a_folder_without_a_notebook_is_a_submission_that_says_so(tmp_path):
    touch(tmp_path / "anna" / "essay.docx")
    (one,) = collect(tmp_path, "attention")
    assert one.remarks == ("no notebook in this learner's folder",)


def test_hidden_files_and_other_files_are_no_submissions(tmp_path):
    for name in ("anna.ipynb", ".ben.ipynb", ".ipynb_checkpoints/anna.ipynb", "grades.csv", "timestamp.txt"):
        touch(tmp_path / name)
    assert found(tmp_path) == {"anna": "anna.ipynb"}


def test_links_are_listed_and_not_followed(tmp_path):
    touch(tmp_path / "secret" / "attention.ipynb")
    shutil.move(tmp_path / "secret", tmp_path.with_name(f"{tmp_path.name}-elsewhere"))
    (tmp_path / "anna").symlink_to(tmp_path.with_name(f"{tmp_path.name}-elsewhere"))
    os.symlink("/etc/passwd", tmp_path / "ben.ipynb")
    assert found(tmp_path) == {"anna": "anna", "ben": "ben.ipynb"}


def test_a_single_file_is_one_submission(tmp_path):
    touch(tmp_path / "anna.ipynb")
    (one,) = collect(tmp_path / "anna.ipynb", "attention")
    assert one.student == "anna"


def test_nothing_there_is_said_in_a_line(tmp_path):
    for path, words in (
        (tmp_path, "no submission"),
        (tmp_path / "x", "no folder"),
        (tmp_path / "x.ipynb", "no file"),
    ):
        with pytest.raises(NothingHandedIn, match=words):
            collect(path, "attention")
