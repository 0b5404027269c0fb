"""Grades as other programs read them: nbgrader, Canvas, Moodle, Gradescope."""

import csv
import re
from pathlib import Path

from classroom.files import write
from classroom.results import COLUMNS, Folder, Graded, ResultsError, grade_row, guard, plain_table, table

MOODLE_ID = re.compile(r"_(\d+)_assignsubmission_")
CANVAS_ID = re.compile(r"^[^_]+_(?:LATE_)?(\d+)_\d+_")
MOODLE_COLUMNS = {"Identifier", "Grade"}
CANVAS_COLUMNS = {"Student", "ID"}


def export(folder: Folder, to: str, roster: Path | None, out: Path | None) -> tuple[Path, list[str]]:
    """Write the grades for one program; the path, and the learners that its roster does not know.

    Raises ResultsError where the roster is missing or is no table of that program.
    """
    graded = folder.summarise()
    if to == "gradescope":
        return folder.path / "gradescope", []
    if to == "nbgrader":
        path = out or folder.path / "grades.csv"
        write(path, table(COLUMNS.split(), [grade_row(one) for one in graded]))
        return path, []
    if roster is None:
        where = {"canvas": "Grades, Export", "moodle": "View all submissions, Download grading worksheet"}[to]
        raise ResultsError(f"Say --roster FILE, the table that {to.capitalize()} gives out ({where}).")
    columns, rows = read_table(roster)
    fill = {"canvas": for_canvas, "moodle": for_moodle}[to]
    columns, rows, unknown = fill(columns, rows, graded)
    path = out or folder.path / f"{to}.csv"
    write(path, plain_table(columns, [[row.get(column) or "" for column in columns] for row in rows]))
    return path, unknown


def read_table(path: Path) -> tuple[list[str], list[dict]]:
    """A CSV file with names in its first line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{name: value or "" for name, value in row.items() if name} for row in reader]
            return list(reader.fieldnames or []), rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"{path} cannot be read as a table: {error}") from None


def matched(graded: list[Graded], number: re.Pattern, known: dict[str, dict]):
    """Learners with their rows, found by the number in a file's name or by the name, and those unknown."""
    pairs, unknown = [], []
    for one in graded:
        found = number.search(one.student)
        row = known.get(found[1] if found else one.student)
        if row is None:
            unknown.append(one.student)
        else:
            pairs.append((one, row))
    return pairs, unknown


def for_canvas(columns: list[str], rows: list[dict], graded: list[Graded]):
    """Canvas's gradebook with a column of these grades; learners are found by ID or login."""
    if not set(columns) >= CANVAS_COLUMNS:
        raise ResultsError("This is no gradebook of Canvas: it has no columns Student and ID.")
    name = next(
        (c for c in columns if re.fullmatch(rf"{re.escape(graded[0].result.exercise)}( \(\d+\))?", c)), None
    )
    name = name or graded[0].result.exercise
    known = {}
    for row in rows:
        known |= {row[key]: row for key in ("ID", "SIS Login ID", "SIS User ID") if row.get(key)}
    pairs, unknown = matched(graded, CANVAS_ID, known)
    for one, row in pairs:
        row[name] = f"{one.result.score:g}"
    for row in rows:
        if row["Student"].strip() == "Points Possible":
            row[name] = f"{graded[0].result.max_score:g}"
    return [*columns, *([] if name in columns else [name])], rows, unknown


def for_moodle(columns: list[str], rows: list[dict], graded: list[Graded]):
    """Moodle's grading worksheet with grades filled in; learners are found by number, e-mail or name."""
    if not set(columns) >= MOODLE_COLUMNS:
        raise ResultsError("This is no grading worksheet of Moodle: it has no columns Identifier and Grade.")
    known = {}
    for row in rows:
        number = re.search(r"\d+", row["Identifier"])
        keys = [
            number[0] if number else "",
            row.get("Email address"),
            row.get("Full name"),
            row.get("Username"),
        ]
        known |= {key: row for key in keys if key}
    pairs, unknown = matched(graded, MOODLE_ID, known)
    for one, row in pairs:
        most = float((row.get("Maximum grade") or "").replace(",", ".") or one.result.max_score)
        row["Grade"] = f"{one.result.score * most / one.result.max_score if one.result.max_score else 0:.2f}"
        if "Feedback comments" in columns:
            lines = [_comment(score) for score in one.result.scores]
            row["Feedback comments"] = guard("\n".join(lines))
    return columns, rows, unknown


def _comment(score) -> str:
    points = "to be marked" if score.points is None else f"{score.points:g}"
    return f"{score.id}: {points} of {score.max_points:g}. {score.message}".strip()
