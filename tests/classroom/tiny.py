"""A tiny exercise without PyTorch, and notebooks that learners might make of it."""

# ruff: noqa: E501 - marks of cells are one line each

import json
from pathlib import Path

import nbformat

from classroom import exercise, release

SOURCE = '''---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Tiny

```{code-cell} ipython3
import random
```

*Easy, five minutes.* Double a number.

```{code-cell} ipython3
:nbgrader: {grade: false, grade_id: doubled, locked: false, schema_version: 3, solution: true, task: false}
:forbidden: [sum]

def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

```{code-cell} ipython3
double(3)  # see it: six
```

```{code-cell} ipython3
:nbgrader: {grade: true, grade_id: doubled-test, locked: true, points: 2, schema_version: 3, solution: false, task: false}

"""Twice as much, for every number."""
assert double(3) == 6, "three and three are six"
### BEGIN HIDDEN TESTS
assert double(-7) == -14
number = random.randint(10, 99)
assert double(number) == 2 * number, "wrong for a number with two digits"
### END HIDDEN TESTS
```

*Easy, five minutes.* Count the words of a text.

```{code-cell} ipython3
:nbgrader: {grade: false, grade_id: words-are-counted, locked: false, schema_version: 3, solution: true, task: false}

def count_words(text):
    """How many words a text has."""
    ### BEGIN SOLUTION
    return len(text.split())
    ### END SOLUTION
```

```{code-cell} ipython3
:nbgrader: {grade: true, grade_id: words-are-counted-test, locked: true, points: 3, schema_version: 3, solution: false, task: false}

"""White space of any kind stands between words."""
assert count_words("an owl sings") == 3, "three words"
### BEGIN HIDDEN TESTS
assert count_words("  an\\nowl ") == 2, "lines and blanks at the ends are no words"
### END HIDDEN TESTS
```

*Medium, five minutes.* Why is a word no good unit for a model? Write two sentences.

+++ {"nbgrader": {"cell_type": "markdown", "grade": true, "grade_id": "units-are-explained", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}}

### BEGIN SOLUTION
There are too many of them, and new ones come.

Marking scheme: one point for the number, one for the new ones.
### END SOLUTION
'''
FULL = {
    "doubled": "def double(x):\n    return x + x",
    "words-are-counted": "def count_words(text):\n    return len(text.split())",
    "units-are-explained": "There are very many, and nobody knows all of them.",
}
HALF = {**FULL, "words-are-counted": "def count_words(text):\n    return text.count(' ') + 1"}


def write_source(folder: Path) -> Path:
    path = folder / "tiny.md"
    path.write_text(SOURCE)
    return path


def load(folder: Path) -> exercise.Exercise:
    return exercise.load(write_source(folder))


def notebook(folder: Path, answers: dict[str, str]):
    """The released notebook with these answers written into it."""
    path = write_source(folder)
    made = release.for_learners(*exercise.read(path))
    for cell in made.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    return made


def hand_in(path: Path, folder: Path, answers: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook(folder, answers)))


def a_class(folder: Path, n: int) -> Path:
    """A folder of submissions: by turns all right, half right, blank, and no notebook at all."""
    submissions = folder / "submissions"
    for i in range(n):
        path = submissions / f"learner{i:02d}.ipynb"
        if i % 4 == 3:
            path.write_text(json.dumps({"cells": 7}))
        else:
            hand_in(path, folder, [FULL, HALF, {}][i % 4])
    return submissions
