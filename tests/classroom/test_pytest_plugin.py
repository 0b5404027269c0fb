"""classroom.pytest_plugin: pytest grades a notebook, says what failed in words, and its exit code tells."""

import subprocess
import sys

import pytest
import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    source = tiny.write_source(folder)

    def run(answers: dict[str, str], name: str = str(source)) -> subprocess.CompletedProcess:
        tiny.hand_in(folder / "homework.ipynb", folder, answers)
        command = [sys.executable, "-m", "pytest", "-q", "--exercise", name, "homework.ipynb"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    return run


def test_full_marks_are_exit_code_0_and_a_text_waits_for_a_person(run):
    done = run(tiny.FULL)
    assert done.returncode == 0, done.stdout
    assert "2 passed, 1 skipped" in done.stdout
    assert "homework.ipynb: 5 of 7 points" in done.stdout


def test_lost_marks_are_exit_code_1_and_a_message_for_the_learner(run):
    done = run(tiny.HALF)
    assert done.returncode == 1
    assert "lines and blanks at the ends are no words" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_exercise_that_is_not_there_is_said_in_a_line(run):
    done = run(tiny.FULL, name="nowhere")
    assert done.returncode == 4
    assert "There is no exercise nowhere" in done.stdout + done.stderr


def test_without_the_option_notebooks_are_left_alone(run, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 5
