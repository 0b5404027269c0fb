"""Grades for other programs: their own tables come back with one column filled in."""

import csv

import pytest

from classroom import export
from classroom.grading import Result, Score
from classroom.results import Folder, Graded, ResultsError

CANVAS = """\
Student,ID,SIS Login ID,Section,Old (9)
    Points Possible,,,,10
"Alm, Anna",123,aalm,One,7
"Bo, Ben",124,bbo,One,
"Cy, Cleo",125,ccy,One,3
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments
Participant 123,Anna Alm,a@x.org,Submitted,,100.00,
Participant 124,Ben Bo,b@x.org,Submitted,,100.00,
Participant 125,Cleo Cy,c@x.org,No submission,-,100.00,-
"""


@pytest.fixture
def folder(tmp_path) -> Folder:
    made = Folder(tmp_path / "out")
    made.open(resume=False)
    return made


def save(folder: Folder, **points: float) -> None:
    for student, value in points.items():
        folder.save(Graded(student, Result("attention", [Score("test", value, 8.0, "wrong axis")])))


def read(path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_canvas_gets_its_gradebook_back_with_a_column_more(folder, tmp_path):
    save(folder, alm_123_9_attention=6, ccy=4, stranger=1)
    (tmp_path / "canvas.csv").write_text(CANVAS)
    path, unknown = export.export(folder, "canvas", tmp_path / "canvas.csv", None)
    table = read(path)
    assert [row["attention"] for row in table] == ["8", "6", "", "4"]
    assert [row["Old (9)"] for row in table] == ["10", "7", "", "3"]
    assert unknown == ["stranger"]


def test_moodle_gets_its_worksheet_back_with_grades_on_its_own_scale(folder, tmp_path):
    folder.save(
        Graded(
            "Anna Alm_123_assignsubmission_file", Result("attention", [Score("test", 6.0, 8.0, "wrong axis")])
        )
    )
    folder.save(Graded("b@x.org", Result("attention", [Score("test", 8.0, 8.0)])))
    (tmp_path / "moodle.csv").write_text(MOODLE)
    path, unknown = export.export(folder, "moodle", tmp_path / "moodle.csv", None)
    table = read(path)
    assert [row["Grade"] for row in table] == ["75.00", "100.00", "-"], "what was there stays as it was"
    assert [row["Feedback comments"][:1] for row in table] == ["t", "t", "-"]
    assert "wrong axis" in table[0]["Feedback comments"]
    assert unknown == []


@pytest.mark.parametrize("to", ["canvas", "moodle"])
def test_a_roster_is_asked_for_and_checked(folder, tmp_path, to):
    save(folder, anna=1)
    with pytest.raises(ResultsError, match="--roster FILE"):
        export.export(folder, to, None, None)
    with pytest.raises(ResultsError, match="cannot be read"):
        export.export(folder, to, tmp_path / "nowhere.csv", None)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match=f"of {to.capitalize()}"):
        export.export(folder, to, tmp_path / "other.csv", None)


def test_a_folder_without_results_is_said_in_a_line(folder):
    with pytest.raises(ResultsError, match="no results"):
        export.export(folder, "nbgrader", None, None)


def test_nbgraders_table_goes_where_it_is_told(folder, tmp_path):
    save(folder, anna=8)
    path, _ = export.export(folder, "nbgrader", None, tmp_path / "mine.csv")
    assert path == tmp_path / "mine.csv"
    assert read(path)[0]["student_id"] == "anna"
