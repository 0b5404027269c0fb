"""A learner's file: read with care, then put back on the skeleton of the exercise.

Only the learner's own cells are taken from it. Tests, given code and points come from the author's source, so
what was edited, deleted, doubled or unlocked among those does no harm.
"""

import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from classroom import exercise, release
from classroom.exercise import Exercise

LARGEST = 128 << 20  # bytes of a file; a notebook with 60 MB of output is honest work
MOST_CELLS = 2_000
LONGEST_CELL, MOST_CODE = 200_000, 500_000  # characters
MOST_PARTS = 16_000_000  # of JSON: a small file could otherwise fill the memory
STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)


class Unreadable(ValueError):
    """A file that is no notebook; the message says why, in a few words."""


def read(path: Path) -> bytes:
    """The bytes of a plain file. Raises Unreadable for a link, a device, a pipe, a directory, a huge one."""
    try:
        if path.is_symlink():
            raise Unreadable("a symbolic link, which is not followed")
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    try:
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode):
            kind = "a directory" if stat.S_ISDIR(facts.st_mode) else "no plain file"
            raise Unreadable(f"{kind} in place of a notebook")
        if facts.st_size > LARGEST:
            raise Unreadable(f"{facts.st_size >> 20} MB large, {LARGEST >> 20} MB are allowed")
        with open(opened, "rb", closefd=False) as file:
            return file.read(LARGEST)
    finally:
        os.close(opened)


@dataclass
class Extra:
    """Code of the learner's own beside the answers; it runs after the cell of the exercise at `after`."""

    after: int
    source: str


@dataclass
class Submission:
    """What is the learner's: answers by grade_id, further code, and remarks for the instructor."""

    answers: dict[str, str] = field(default_factory=dict)
    extras: list[Extra] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def rebuild(data: bytes, source: Exercise) -> Submission:
    """Find the learner's cells in the bytes of a notebook. Raises Unreadable."""
    cells = _cells(data)
    found = Submission()
    answers = {cell.id: index for index, cell in enumerate(source.cells) if cell.role in ("answer", "essay")}
    tests = {cell.id: index for index, cell in enumerate(source.cells) if cell.role == "tests"}
    known = {
        _squeeze(exercise.visible(c)): i
        for i, c in enumerate(source.cells)
        if c.role in ("given", "tests", "text")
    }
    ours = {_squeeze(release.setup_source(source)), _squeeze(release.LAST)}  # put in by `classroom release`
    after, seen = -1, set()
    for kind, grade_id, text in cells:
        if grade_id in answers:
            index = answers[grade_id]
            if grade_id in found.answers:
                found.remarks.append(f"the cell {grade_id} is there twice")
                if source.cells[index].role == "answer":  # as in a notebook, the later one has the last word
                    found.extras.append(Extra(index, text))
                    continue
            found.answers.setdefault(grade_id, text)
            if source.cells[index].role == "answer" and kind != "code":
                found.remarks.append(f"the cell {grade_id} was turned into {kind}")
            after = index
        elif grade_id in tests:
            after = tests[grade_id]
            if grade_id in seen:
                found.remarks.append(f"the cell {grade_id} is there twice")
            seen.add(grade_id)
            cell = source.cells[after]
            if kind != "code" or _squeeze(text) not in map(_squeeze, (exercise.visible(cell), cell.source)):
                found.remarks.append(f"the test cell {grade_id} was changed")
        elif _squeeze(text) in known:
            after = known[_squeeze(text)]
            seen.add(source.cells[after].id)
        elif kind == "code" and text.strip() and _squeeze(text) not in ours:
            found.extras.append(Extra(after, text))
        elif kind == "markdown" and text.strip():
            _maybe_essay(text, after, source, found)
    for cell in source.cells:
        if cell.role == "tests" and cell.id not in seen:
            found.remarks.append(f"the test cell {cell.id} is missing")
        elif cell.role == "answer" and cell.id not in found.answers:
            _without_mark(cell, found)
        elif cell.role == "essay" and cell.id not in found.answers:
            found.remarks.append(f"the cell {cell.id} is missing")
    return found


def _cells(data: bytes) -> list[tuple[str, str, str]]:
    """Kind, grade_id and text of each cell, whatever else is in the file."""
    if _has_many_parts(data):
        raise Unreadable("more parts than a notebook has")
    try:
        notebook = json.loads(data)
    except UnicodeDecodeError:
        raise Unreadable("no text: its bytes are not UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("no notebook: not JSON, or cut short") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        old = isinstance(notebook, dict) and "worksheets" in notebook
        raise Unreadable(
            "a notebook of an old format: open and save it in Jupyter" if old else "JSON, but no notebook"
        )
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"{len(cells)} cells, {MOST_CELLS} are allowed")
    found, n_code = [], 0
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        kind = cell.get("cell_type")
        kind = kind if kind in ("code", "markdown", "raw") else "another kind"
        text = cell.get("source", "")
        lines = text if isinstance(text, list) else [text]
        text = "".join(line for line in lines if isinstance(line, str))
        text = text.encode("utf-8", "replace").decode()  # JSON may hold halves of characters
        if kind != "code" and len(text) > LONGEST_CELL:  # Colab keeps pictures in the text
            text = text[:LONGEST_CELL]
        n_code += len(text) if kind == "code" else 0
        if len(text) > LONGEST_CELL:
            raise Unreadable(f"a cell of {len(text):,} characters, {LONGEST_CELL:,} are allowed")
        if n_code > MOST_CODE:
            raise Unreadable(f"more than {MOST_CODE:,} characters of code")
        metadata = cell.get("metadata")
        mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
        found.append((kind, grade_id if isinstance(grade_id, str) else "", text))
    return found


def _has_many_parts(data: bytes) -> bool:
    """Whether JSON holds more values than fit into some hundred megabytes; text of any length is one."""

    def has_many(text: bytes) -> bool:
        return text.count(b",") > MOST_PARTS or text.count(b"{") + text.count(b"[") > MOST_PARTS // 4

    n_strings = (data.count(b'"') - data.count(b'\\"')) // 2
    return n_strings > MOST_PARTS * 3 // 4 or (has_many(data) and has_many(STRINGS.sub(b"", data)))


def _maybe_essay(text: str, after: int, source: Exercise, found: Submission) -> None:
    """Markdown without a mark, where the next cell of the exercise wants text: that is the text."""
    following = source.cells[after + 1 : after + 2]
    if following and following[0].role == "essay" and following[0].id not in found.answers:
        found.answers[following[0].id] = text


def _without_mark(cell, found: Submission) -> None:
    """An answer whose mark was lost runs as an extra cell; name it, so that it is looked at as an answer."""
    names = exercise.defined(cell.source)
    wanted = names - exercise.defined(exercise.without_solution(cell.source)) or names
    for extra in found.extras:
        if wanted and wanted <= exercise.defined(extra.source) and extra.source not in found.answers.values():
            found.answers[cell.id] = extra.source
            extra.source = ""
            found.remarks.append(f"the cell {cell.id} had lost its mark")
            break
    else:
        found.remarks.append(f"the cell {cell.id} is missing")
    found.extras = [extra for extra in found.extras if extra.source]


def _squeeze(text: str) -> str:
    """Text without the differences that editors make: white space at the ends of lines and cells."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()
