"""Grade a notebook with pytest, as GitHub Classroom wants it: an exit code, and a line for each test.

    pytest --exercise attention attention.ipynb

Each test cell is an item; a text that a person marks is skipped. Without --exercise the plugin does nothing.
"""

from pathlib import Path

import pytest

SOURCE, EARNED = pytest.StashKey(), pytest.StashKey[list]()


def pytest_addoption(parser):
    group = parser.getgroup("classroom", "grading notebooks")
    group.addoption(
        "--exercise", metavar="NAME", help="grade the notebooks given by the tests of this exercise"
    )
    group.addoption("--no-sandbox", action="store_true", help="run the notebook's code with your own rights")


def pytest_configure(config):
    if name := config.getoption("exercise"):
        from classroom import exercise

        try:
            config.stash[SOURCE] = exercise.load(exercise.find(name))
        except exercise.ExerciseError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_collect_file(file_path: Path, parent):
    if file_path.suffix == ".ipynb" and parent.config.getoption("exercise"):
        return Notebook.from_parent(parent, path=file_path)
    return None


class Notebook(pytest.File):
    """A submission; graded once, when its first test is run."""

    graded = None

    def collect(self):
        self.source = self.config.stash[SOURCE]
        for cell in self.source.cells:
            if cell.graded:
                yield GradedCell.from_parent(self, name=cell.id)

    def result(self):
        from classroom import grading, sandbox

        if self.graded is None:
            mode = sandbox.choose("none" if self.config.getoption("no_sandbox") else None)
            self.graded = grading.grade_file(self.source, self.path, mode)
            earned = f"{self.path.name}: {self.graded.score:g} of {self.graded.max_score:g} points"
            self.config.stash.setdefault(EARNED, []).append([earned, *self.graded.remarks])
        return self.graded


class GradedCell(pytest.Item):
    def runtest(self):
        score = next(score for score in self.parent.result().scores if score.id == self.name)
        if score.points is None:
            pytest.skip(f"{score.max_points:g} points, marked by a person")
        if score.points < score.max_points:
            raise LostMarks("\n".join(filter(None, [score.message, score.trace])))

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(LostMarks) else super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}: {self.name}"


class LostMarks(Exception):
    """A test of the exercise failed; the message is for the learner."""


def pytest_terminal_summary(terminalreporter, config):
    for words in config.stash.get(EARNED, []):
        terminalreporter.write_line("; ".join(words))
