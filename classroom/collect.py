"""Who handed in what: one folder of submissions, however a learning platform packed it.

    submissions/anna.ipynb                              the file's name is the learner
    submissions/anna/attention.ipynb                    the folder's name is the learner
    submissions/anna/attention/attention.ipynb          nbgrader's `submitted`
    submissions/Anna Alm_123_assignsubmission_file/…    Moodle's
    submissions/almanna_123_456_attention.ipynb         Canvas's

Nothing is opened here, and no link is followed.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

NOTEBOOK = ".ipynb"
DEEPEST, MOST_ENTRIES = 3, 2_000


class NothingHandedIn(ValueError):
    """No submission is where they should be; the message says what would be one."""


@dataclass(frozen=True)
class Handed:
    """A learner and the path of what stands in the place of a notebook."""

    student: str
    path: Path
    remarks: tuple[str, ...] = field(default=())


def collect(folder: Path, exercise: str) -> list[Handed]:
    """All submissions in a folder, or the one that a file is, by learner. Raises NothingHandedIn."""
    if folder.suffix == NOTEBOOK and not folder.is_dir():
        if not os.path.lexists(folder):
            raise NothingHandedIn(f"There is no file {folder}.")
        return [Handed(folder.stem, folder)]
    if not folder.is_dir():
        raise NothingHandedIn(f"There is no folder {folder}: give the one that the submissions are in.")
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.name.endswith(
            NOTEBOOK
        ):  # a directory or a device of that name is looked at when it is graded
            found.append(Handed(entry.name.removesuffix(NOTEBOOK), Path(entry.path)))
        elif entry.is_symlink() or entry.is_dir(follow_symlinks=False):
            found.append(_of_folder(entry, exercise))
    if not found:
        raise NothingHandedIn(
            f"{folder} holds no submission: wanted is NAME.ipynb, or for each learner a folder with one."
        )
    return found


def _of_folder(entry: os.DirEntry, exercise: str) -> Handed:
    """The notebook in a learner's folder: the one named after the exercise, or the first."""
    if entry.is_symlink():
        return Handed(entry.name, Path(entry.path))
    notebooks = _notebooks(Path(entry.path), DEEPEST)
    if not notebooks:
        return Handed(
            entry.name, Path(entry.path) / f"{exercise}{NOTEBOOK}", ("no notebook in this learner's folder",)
        )
    named = [path for path in notebooks if path.stem == exercise] or notebooks
    remarks = (
        ()
        if len(named) == 1
        else (f"{len(notebooks)} notebooks were handed in; this is about {named[0].name}",)
    )
    return Handed(entry.name, named[0], remarks)


def _notebooks(folder: Path, depth: int) -> list[Path]:
    found = []
    for n, entry in enumerate(sorted(os.scandir(folder), key=lambda entry: entry.name)):
        if n > MOST_ENTRIES:
            break
        if entry.name.endswith(NOTEBOOK) and not entry.name.startswith("."):
            found.append(Path(entry.path))
        elif depth > 1 and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            found += _notebooks(Path(entry.path), depth - 1)
    return found
