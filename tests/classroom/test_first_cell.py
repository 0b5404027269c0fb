"""The first cell of a notebook installs the library where it is missing, or says in one line why not."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest

from classroom import first_cell


@pytest.fixture
def run(monkeypatch):
    """A function that runs the cell and returns the commands that it gave."""

    def run(missing=True, python=(3, 12, 1), pip_fails=False) -> list:
        commands = []

        def answer(command, check):
            commands.append(command)
            return SimpleNamespace(returncode=int(pip_fails))

        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if missing else name)
        monkeypatch.setattr(sys, "version_info", python)
        monkeypatch.setattr(subprocess, "run", answer)
        exec(first_cell.source("tinylm"), {})
        return commands

    return run


def test_it_does_nothing_where_the_library_is_there(run):
    assert run(missing=False) == []


def test_it_installs_the_library_where_that_is_missing(run):
    ((*_, library),) = run()
    assert library == f"tinylm @ git+{first_cell.REPOSITORY}"


@pytest.mark.parametrize("python", [(3, 9, 18), (3, 14, 0)])
def test_another_python_is_told_before_pip_is_asked(run, python):
    with pytest.raises(
        SystemExit, match=r"^Python 3\.11 to 3\.13 is needed, not .*: choose another runtime\.$"
    ):
        run(python=python)


def test_a_failed_installation_is_told_in_one_line(run):
    with pytest.raises(SystemExit, match=r"^The library was not installed, and pip says why above\."):
        run(pip_fails=True)
