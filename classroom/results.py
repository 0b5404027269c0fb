"""The folder of results: what `classroom grade` writes, and others read.

    results/<learner>.json      one whole result each; all else is made from these
    manual.csv                  texts that a person marks: fill in points and comment
    grades.csv                  scores, in nbgrader's columns
    gradescope/<learner>.json   Gradescope's results.json
    feedback/<learner>.html     for the learner
    report.html                 for the instructor

Every file is written aside and moved into place, so that it is there whole or not at all.
"""

import contextlib
import csv
import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from classroom import exercise, pages
from classroom.exercise import Exercise
from classroom.files import file_name, write
from classroom.grading import Result, Score

COLUMNS = (
    "assignment duedate timestamp student_id last_name first_name email raw_score "
    "late_submission_penalty score max_score"
)
MANUAL = "student_id task max_points points comment answer"


class ResultsError(ValueError):
    """A folder of results that cannot be used as asked; the message is one line."""


@dataclass
class Graded:
    """A learner and what the submission earned."""

    student: str
    result: Result
    timestamp: str = ""  # when the file was last changed, ISO 8601

    def as_json(self) -> dict:
        return {"student": self.student, "timestamp": self.timestamp, "result": self.result.as_json()}


class Folder:
    """The results of one exercise."""

    def __init__(self, path: Path):
        self.path = path
        self.damaged: list[str] = []  # names of files that `load` could not read

    def open(self, resume: bool) -> None:
        """Make the folder. Raises ResultsError where it holds results, unless they are to be gone on with."""
        kept = list((self.path / "results").glob("*.json")) if self.path.exists() else []
        if kept and not resume:
            raise ResultsError(
                f"{self.path} holds {len(kept)} results already: say --resume to go on, or name another."
            )
        try:
            for name in ("results", "feedback", "gradescope"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResultsError(f"{self.path} cannot be written: {error.strerror}.") from None

    def save(self, graded: Graded) -> None:
        write(
            self.path / "results" / f"{file_name(graded.student)}.json",
            json.dumps(graded.as_json(), indent=1),
        )

    def load(self) -> list[Graded]:
        """All results, by learner. Those damaged are left out, and so graded again; `damaged` lists them."""
        found, self.damaged = [], []
        for path in sorted((self.path / "results").glob("*.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                found.append(Graded(data["student"], Result.from_json(data["result"]), data["timestamp"]))
            except (ValueError, KeyError, TypeError):
                self.damaged.append(path.name)
        return sorted(found, key=lambda graded: graded.student)

    def summarise(self, source: Exercise | None = None) -> list[Graded]:
        """Write the tables and pages anew from the results and a person's marks; give back the results.

        The report compares answers with those of `source`, or of the book's exercise of that name.
        """
        graded = self.load()
        if self.damaged:
            names = ", ".join(self.damaged)
            raise ResultsError(f"{self.path}: damaged is {names}; `classroom grade` with --resume mends it.")
        if not graded:
            raise ResultsError(f"{self.path} holds no results: `classroom grade` makes them.")
        source = source or _of_the_book(graded[0].result.exercise)
        marks = self.marks()
        for one in graded:
            apply_marks(one, marks)
        self.write_manual(graded, marks)
        write(self.path / "grades.csv", table(COLUMNS.split(), [grade_row(one) for one in graded]))
        for one in graded:
            name = file_name(one.student)
            write(self.path / "gradescope" / f"{name}.json", json.dumps(gradescope(one), indent=1))
            write(self.path / "feedback" / f"{name}.html", pages.feedback(one))
        write(self.path / "report.html", pages.report(graded, source))
        return graded

    # ---- a person's marks

    def marks(self) -> dict[tuple[str, str], tuple[float | None, str]]:
        """Points and comment by learner and task, as filled in. Raises ResultsError, which names the line."""
        path, marks = self.path / "manual.csv", {}
        if not path.exists():
            return marks
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                try:
                    key = (unguard(row["student_id"]), unguard(row["task"]))
                    text = (row["points"] or "").strip().replace(",", ".")
                    points = float(text) if text else None
                    if points is not None and not 0 <= points <= float(row["max_points"]):
                        raise ValueError
                except (KeyError, TypeError):
                    raise ResultsError(
                        f"{path}: the columns {MANUAL.replace(' ', ', ')} are wanted."
                    ) from None
                except ValueError:
                    raise ResultsError(
                        f"{path}: {key[0]}, {key[1]}: "
                        f"{row['points']!r} is no number from 0 to {row['max_points']}."
                    ) from None
                marks[key] = (points, unguard(row.get("comment") or ""))
        return marks

    def write_manual(self, graded: list[Graded], marks: dict) -> None:
        """The table to fill in, with what is filled in already."""
        rows = []
        for one in graded:
            for score in one.result.scores:
                if score.answer:
                    points, comment = marks.get((one.student, score.id), (None, ""))
                    filled = "" if points is None else f"{points:g}"
                    rows.append(
                        [one.student, score.id, f"{score.max_points:g}", filled, comment, score.answer]
                    )
        if rows:
            write(self.path / "manual.csv", table(MANUAL.split(), rows))


def _of_the_book(name: str) -> Exercise | None:
    """The exercise of this name, where it is at hand."""
    with contextlib.suppress(exercise.ExerciseError):
        return exercise.load(exercise.find(name))
    return None


def apply_marks(graded: Graded, marks: dict) -> None:
    """Put a person's points and comments into a result."""
    for score in graded.result.scores:
        points, comment = marks.get((graded.student, score.id), (None, ""))
        if score.answer and points is not None:
            score.points, score.message = points, comment


def table(columns: list[str], rows: list[list]) -> str:
    """CSV; what a spreadsheet would take for a formula is made text."""
    return plain_table(columns, [list(map(guard, row)) for row in rows])


def plain_table(columns: list[str], rows: list[list]) -> str:
    """CSV, the values as they are."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def guard(value) -> str:
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r'" and text else text


def unguard(text: str) -> str:
    return text[1:] if text.startswith("'") else text


def grade_row(graded: Graded) -> list:
    """A row of nbgrader's table."""
    result = graded.result
    scores = [f"{result.score:g}", "0", f"{result.score:g}", f"{result.max_score:g}"]
    return [result.exercise, "", graded.timestamp, graded.student, "", "", "", *scores]


def gradescope(graded: Graded) -> dict:
    """What Gradescope reads as results.json; nothing in it shows a hidden test."""
    result = graded.result
    return {
        "score": result.score,
        "execution_time": result.seconds,
        "output": f"{len(result.to_mark)} answers are marked by a person." if result.to_mark else "",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_gradescope_test(score) for score in result.scores],
    }


def _gradescope_test(score: Score) -> dict:
    return {
        "name": score.id,
        "score": score.points or 0.0,
        "max_score": score.max_points,
        "output": "\n\n".join(filter(None, [score.message, score.trace])),
        "visibility": "visible",
    }


def now_changed(path: Path) -> str:
    """When a file was last changed, ISO 8601 in UTC, or nothing where it is not there."""
    try:
        return datetime.fromtimestamp(os.lstat(path).st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except OSError:
        return ""
