"""The command `classroom`, as a person types it: help that teaches, exit codes, one line for each mistake."""

import json
import os
import subprocess
import sys

import pytest
import tiny

from classroom import command, sandbox
from classroom.command import CANNOT, OK, main


def grade(tmp_path, *more: str) -> int:
    source, submissions = tiny.write_source(tmp_path), tmp_path / "submissions"
    return main(["grade", str(source), str(submissions), "-o", str(tmp_path / "out"), *more])


@pytest.mark.parametrize("name", ["", "check", "release", "grade", "feedback", "export"])
def test_help_teaches(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([*name.split(), "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "usage: classroom" in said
    if not name:
        assert "a first round:" in said
        assert "exit codes:" in said


def test_the_program_is_installed_under_its_name():
    program = os.path.join(os.path.dirname(sys.executable), "classroom")
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "a first round:" in done.stdout


def test_a_round_from_release_to_export(tmp_path, capsys):
    source = tiny.write_source(tmp_path)
    assert main(["release", str(source), "-o", str(tmp_path / "tiny.ipynb")]) == OK
    assert "2 tests, 7 points" in capsys.readouterr().out
    tiny.a_class(tmp_path, 4)
    assert grade(tmp_path) == OK
    said = capsys.readouterr().out
    assert f"Sandbox: {sandbox.PROMISES[sandbox.choose()]}." in said
    assert "4 graded" in said
    assert "texts are yours to mark" in said
    assert main(["feedback", str(tmp_path / "out")]) == OK
    assert "4 pages" in capsys.readouterr().out
    assert main(["export", str(tmp_path / "out"), "--to", "nbgrader"]) == OK
    assert "grades.csv is ready for Nbgrader" in capsys.readouterr().out


def test_json_is_json_and_nothing_else(tmp_path, capsys):
    tiny.a_class(tmp_path, 2)
    assert grade(tmp_path, "--json") == OK
    said = json.loads(capsys.readouterr().out)
    assert (said["n"], said["graded_now"], said["sandbox"]) == (2, 2, sandbox.choose())
    assert main(["release", str(tmp_path / "tiny.md"), "-o", str(tmp_path / "x.ipynb"), "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["max_score"] == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["release", "nowhere"], "There is no exercise nowhere: the book has attention"),
        (["release", "nowhere.md"], "no such file"),
        (["grade", "attention", "nowhere", "-o", "out"], "There is no folder nowhere"),
        (["grade", "attention", ".", "-o", "out", "--workers", "0"], "must be above 0"),
        (["grade", "attention", "a-class", "-o", "a-file/out"], "cannot be written"),
        (
            ["grade", "attention", "a-class", "-o", "out", "--cluster", "tcp://127.0.0.1:9"],
            "No Dask scheduler",
        ),
        (["feedback", "nowhere"], "holds no results"),
        (["export", "nowhere", "--to", "canvas"], "holds no results"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_mistake_is_one_line(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "CLUSTER_WAIT", 2)
    (tmp_path / "a-file").write_text("")
    tiny.hand_in(tmp_path / "a-class" / "anna.ipynb", tmp_path, tiny.FULL)
    assert main(arguments) == CANNOT
    said = capsys.readouterr().err.strip()
    assert words in said
    assert said.startswith("classroom: ")
    assert "\n" not in said


def test_a_release_is_not_written_over_unless_told(tmp_path, capsys):
    source, out = str(tiny.write_source(tmp_path)), str(tmp_path / "tiny.ipynb")
    assert main(["release", source, "-o", out]) == OK
    assert main(["release", source, "-o", out]) == CANNOT
    assert "say --force" in capsys.readouterr().err
    assert main(["release", source, "-o", out, "--force"]) == OK


def test_an_exercise_whose_own_answers_fail_is_not_graded(tmp_path, capsys):
    tiny.hand_in(tmp_path / "submissions" / "anna.ipynb", tmp_path, tiny.FULL)
    broken = tmp_path / "broken.md"
    broken.write_text(tiny.SOURCE.replace("return 2 * x", "return 3 * x"))
    assert main(["grade", str(broken), str(tmp_path / "submissions"), "-o", str(tmp_path / "out")]) == CANNOT
    assert "its own answers do not earn full marks in doubled-test" in capsys.readouterr().err


def test_without_a_sandbox_nothing_is_graded_unless_it_is_said_out_loud(tmp_path, capsys, monkeypatch):
    tiny.a_class(tmp_path, 1)
    monkeypatch.setattr(sandbox, "probe", lambda mode: "not here")
    assert grade(tmp_path) == CANNOT
    assert "install bubblewrap" in capsys.readouterr().err
    assert grade(tmp_path, "--no-sandbox", "--resume") == OK
    assert "NO SANDBOX" in capsys.readouterr().out
