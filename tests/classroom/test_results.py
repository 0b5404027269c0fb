"""The folder of results: whole files, safe names, tables that others read, a person's marks."""

import csv
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom import results
from classroom.files import file_name, write
from classroom.grading import Result, Score
from classroom.results import Folder, Graded, ResultsError


def graded(student: str, points: float = 1.0, answer: str = "") -> Graded:
    scores = [
        Score(
            "softmax-test",
            points,
            2.0,
            "" if points == 2 else "sums over the wrong axis",
            "line 3, hidden: assert f(7)",
        )
    ]
    if answer:
        scores.append(Score("why", None, 3.0, "This answer is marked by a person.", answer=answer))
    return Graded(
        student,
        Result("attention", scores, ["a remark"], answers={"softmax": "x = 1"}),
        "2026-01-01 10:00:00",
    )


@pytest.fixture
def folder(tmp_path) -> Folder:
    made = Folder(tmp_path / "out")
    made.open(resume=False)
    return made


def rows(path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_result_comes_back_as_it_was_saved(folder):
    one = graded("anna", answer="because")
    folder.save(one)
    assert folder.load() == [one]


def test_a_folder_with_results_is_not_written_over_unless_asked(folder):
    folder.save(graded("anna"))
    with pytest.raises(ResultsError, match="1 results already: say --resume"):
        folder.open(resume=False)
    folder.open(resume=True)


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be written"):
        Folder(tmp_path / "file" / "out").open(resume=False)


def test_no_table_is_written_without_a_learner_whose_result_is_damaged(folder):
    for student in ("anna", "ben"):
        folder.save(graded(student))
    (folder.path / "results" / "ben.json").write_text('{"student": "be')
    with pytest.raises(ResultsError, match=r"damaged is ben\.json; .* --resume"):
        folder.summarise()
    assert not (folder.path / "grades.csv").exists()


def test_the_table_has_nbgraders_columns(folder):
    import inspect

    from nbgrader.plugins.export import CsvExportPlugin  # its source is the only place that lists them

    folder.save(graded("anna"))
    folder.summarise()
    columns = (folder.path / "grades.csv").read_text().splitlines()[0].split(",")
    keys = re.search(r"keys = \[(.*?)\]", inspect.getsource(CsvExportPlugin.export), re.DOTALL)[1]
    assert columns == re.findall(r'"(\w+)"', keys)
    assert rows(folder.path / "grades.csv")[0]["score"] == "1"


def test_gradescope_gets_points_and_messages_but_no_hidden_test(folder):
    folder.save(graded("anna", answer="because"))
    folder.summarise()
    data = json.loads((folder.path / "gradescope" / "anna.json").read_text())
    assert data["score"] == sum(test["score"] for test in data["tests"]) == 1
    assert [test["max_score"] for test in data["tests"]] == [2, 3]
    assert "assert f(7)" not in json.dumps(data)


def test_pages_for_learners_show_messages_and_no_hidden_test(folder):
    folder.save(graded("anna"))
    folder.summarise()
    page = (folder.path / "feedback" / "anna.html").read_text()
    assert "sums over the wrong axis" in page
    assert "assert f(7)" not in page
    assert "assert f(7)" in (folder.path / "report.html").read_text(), "the instructor sees why"


def test_what_a_learner_wrote_is_text_on_every_page(folder):
    evil = "<script>alert(1)</script>"
    one = graded(evil, answer=evil)
    one.result.output = one.result.scores[0].message = evil
    one.result.remarks = one.result.flags = [evil]
    folder.save(one)
    folder.summarise()
    for path in folder.path.rglob("*.html"):
        assert "<script" not in path.read_text()


def test_a_person_fills_in_points_and_they_count(folder):
    for student in ("anna", "ben"):
        folder.save(graded(student, answer="=because"))
    folder.summarise()
    table = rows(folder.path / "manual.csv")
    assert [row["student_id"] for row in table] == ["anna", "ben"]
    assert table[0]["answer"] == "'=because", "a spreadsheet would take it for a formula"
    text = (folder.path / "manual.csv").read_text()
    (folder.path / "manual.csv").write_text(text.replace("anna,why,3,,", 'anna,why,3,"2,5",well seen'))
    folder.summarise()
    assert [row["score"] for row in rows(folder.path / "grades.csv")] == ["3.5", "1"]
    assert "well seen" in (folder.path / "feedback" / "anna.html").read_text()
    assert rows(folder.path / "manual.csv")[0]["points"] == "2.5", "what was filled in stays"


@pytest.mark.parametrize("points", ["4", "-1", "many", "nan"])
def test_points_that_cannot_be_are_named(folder, points):
    folder.save(graded("anna", answer="because"))
    folder.summarise()
    text = (folder.path / "manual.csv").read_text()
    (folder.path / "manual.csv").write_text(text.replace("anna,why,3,,", f"anna,why,3,{points},"))
    with pytest.raises(ResultsError, match=f"anna, why: '{points}' is no number from 0 to 3"):
        folder.summarise()


def test_a_table_of_marks_without_its_columns_is_named(folder):
    folder.save(graded("anna", answer="because"))
    (folder.path / "manual.csv").write_text("a;b\n1;2\n")
    with pytest.raises(ResultsError, match="the columns student_id"):
        folder.summarise()


def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    write(tmp_path / "x.csv", "old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "x.csv", "new")
    assert (tmp_path / "x.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=30, unique=True))
def test_learners_files_have_safe_names_that_never_meet(students):
    names = [file_name(student) for student in students]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9][\w@.-]*", name, re.ASCII)
        assert len(name) < 100


@given(st.text())
def test_no_cell_of_a_table_is_a_formula_and_each_is_read_back(text):
    guarded = results.guard(text)
    assert guarded[:1] not in "=+-@" or not guarded
    assert results.unguard(guarded) == text
