"""An exercise as its author wrote it: a notebook with nbgrader's marks, as MyST text (`.md`) or as `.ipynb`.

The marks are those of https://nbgrader.readthedocs.io, schema 3. One mark is ours: `forbidden` in the
metadata of an answer cell lists names that it should do without; a use is pointed out to the instructor.
"""

import ast
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"  # nbgrader's own, which people search for
TEXT_STUB = "YOUR ANSWER HERE"
REGION = r"^([ \t]*)[^\n]*\bBEGIN {0}\b[^\n]*\n(.*?)^[^\n]*\bEND {0}\b[^\n]*(?:\n|\Z)"
SOLUTION = re.compile(REGION.format("SOLUTION"), re.DOTALL | re.MULTILINE)
HIDDEN = re.compile(REGION.format("HIDDEN TESTS"), re.DOTALL | re.MULTILINE)
SCHEME = re.compile(REGION.format("MARK SCHEME"), re.DOTALL | re.MULTILINE)
MAGIC = re.compile(  # a line of a cell that is for IPython: %magic, !command, help?
    r"^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$|(?<=[=])[ \t]*[!%].*$", re.MULTILINE
)
MARK = re.compile(r"\b(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\b")


class ExerciseError(ValueError):
    """An exercise that cannot be used; the message is one line that says why and what to do."""


@dataclass
class Cell:
    """One cell of the exercise. `role` is what it is for:

    text    statement, explanation          given   code that the author provides
    answer  code that the learner writes    essay   text that the learner writes, and a person marks
    tests   code that earns points
    """

    role: str
    source: str
    id: str = ""  # nbgrader's grade_id; empty for text and given
    points: float = 0.0
    forbidden: list[str] = field(default_factory=list)

    @property
    def graded(self) -> bool:
        return self.role in ("tests", "essay")


@dataclass
class Exercise:
    name: str
    cells: list[Cell]

    @property
    def max_score(self) -> float:
        return sum(cell.points for cell in self.cells if cell.graded)

    def of(self, *roles: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.role in roles]

    def cell(self, grade_id: str) -> Cell:
        return next(cell for cell in self.cells if cell.id == grade_id)

    def digest(self) -> str:
        """What the exercise is, as 16 hex digits: results of another version are not mixed with these."""
        text = json.dumps([[c.role, c.id, c.points, c.source, c.forbidden] for c in self.cells])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder() -> Path:
    """The book's folder of exercises: of the clone that we are in, or of the one this was installed from."""
    here = Path("exercises").resolve()
    return here if here.is_dir() else Path(__file__).resolve().parents[1] / "exercises"


def find(name: str) -> Path:
    """The source of an exercise of the book, by its name, or of any other, by its path.

    Raises ExerciseError, which lists what there is.
    """
    path = Path(name)
    if path.suffix in (".md", ".ipynb"):
        if not path.is_file():
            raise ExerciseError(f"There is no exercise {name}: no such file.")
        return path
    for suffix in (".md", ".ipynb"):
        if "/" not in name and (folder() / f"{name}{suffix}").is_file():
            return folder() / f"{name}{suffix}"
    known = sorted(path.stem for path in folder().glob("*.md"))
    there = f"the book has {', '.join(known)}" if known else "no folder exercises is here"
    raise ExerciseError(f"There is no exercise {name}: {there}. Or give the path of a .md or .ipynb file.")


def libraries():
    """The modules jupytext and nbformat, imported when they are first needed.

    nbformat imports jsonschema, and that rfc3987-syntax where it is there, which takes seconds, for a format
    that notebooks have none of. Without it jsonschema does as well.
    """
    slow = "rfc3987_syntax"
    is_new = slow not in sys.modules
    if is_new:
        sys.modules[slow] = None  # an import of it fails
    try:
        import jupytext
        import nbformat
    finally:
        if is_new:
            del sys.modules[slow]
    return jupytext, nbformat


def read_notebook(path: Path):
    """The notebook of a source, as nbformat's. Raises ExerciseError."""
    jupytext, nbformat = libraries()
    try:
        notebook = jupytext.read(path) if path.suffix == ".md" else nbformat.read(path, as_version=4)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.reader.NotJSONError) as error:
        raise ExerciseError(f"{path} cannot be read as a notebook: {_line(error)}") from None
    for cell in notebook.cells:  # jupytext keeps an empty attribute that nbformat would complain of
        cell.setdefault("metadata", {})
    return notebook


def load(path: Path) -> Exercise:
    """The exercise that stands at `path`; see `read`."""
    return read(path)[1]


def read(path: Path) -> tuple:
    """A source as a notebook and as an exercise, cell by cell the same, its marks checked.

    Raises ExerciseError, one line that names the cell.
    """
    notebook = read_notebook(path)
    exercise = Exercise(path.stem, [_cell(raw, path) for raw in notebook.cells])
    ids = [cell.id for cell in exercise.cells if cell.id]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise ExerciseError(f"{path}: the grade_id {sorted(twice)[0]} is there twice.")
    if not any(cell.graded for cell in exercise.cells):
        raise ExerciseError(
            f"{path}: no cell earns points; give test cells nbgrader's mark with grade: true."
        )
    for cell in exercise.of("given", "tests"):
        try:
            ast.parse(python(cell.source))
        except SyntaxError as error:
            name = cell.id or repr(cell.source[:30])
            raise ExerciseError(f"{path}: the cell {name} is no Python: {error}") from None
    return notebook, exercise


def _cell(raw, path: Path) -> Cell:
    mark = raw.metadata.get("nbgrader") or {}
    grade, solution, task = (bool(mark.get(key)) for key in ("grade", "solution", "task"))
    if raw.cell_type == "code":
        role = "answer" if solution else "tests" if grade else "given"
    else:
        role = "essay" if task or (grade and solution) else "text"
    cell = Cell(role, raw.source)
    if role in ("answer", "tests", "essay"):
        cell.id = str(mark.get("grade_id") or "")
        if not cell.id:
            raise ExerciseError(f"{path}: a cell with {role} has no grade_id: {raw.source[:40]!r}")
    if grade and solution and raw.cell_type == "code":
        raise ExerciseError(
            f"{path}: {cell.id} is both code and marked by hand; make it Markdown, or give it tests."
        )
    if cell.graded:
        points = mark.get("points")
        if not isinstance(points, int | float) or points < 0:
            raise ExerciseError(f"{path}: {cell.id} needs points, a number from 0 on.")
        cell.points = float(points)
    cell.forbidden = [str(name) for name in raw.metadata.get("forbidden") or []]
    for kind in ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME"):
        marks = [begin for begin, which in MARK.findall(raw.source) if which == kind]
        if marks != ["BEGIN", "END"] * (len(marks) // 2):
            raise ExerciseError(f"{path}: in {cell.id or 'a cell'}, BEGIN {kind} and END {kind} do not pair.")
    return cell


# ---- what a learner may see


def without_solution(source: str, is_code: bool = True) -> str:
    """The source of an answer cell as it is handed out: nbgrader's stub in place of each solution."""
    stub = CODE_STUB if is_code else TEXT_STUB

    def put(match: re.Match) -> str:
        return "".join(f"{match[1]}{line}\n" for line in stub.split("\n"))

    return SOLUTION.sub(put, source).rstrip("\n") if SOLUTION.search(source) else stub


def visible(cell: Cell) -> str:
    """The source of a cell as a learner sees it: without solution, hidden tests and marking scheme."""
    if cell.role in ("answer", "essay"):
        source = SCHEME.sub("", cell.source)
        if cell.role == "essay" and source != cell.source and not SOLUTION.search(source):
            return source.rstrip("\n")  # nbgrader's task cell: the statement stays
        return without_solution(source, is_code=cell.role == "answer")
    return HIDDEN.sub("", cell.source).rstrip("\n")


def about(cell: Cell) -> str:
    """What a test cell says that it checks: its docstring."""
    found = re.match(r'\s*"""(.+?)"""', cell.source, re.DOTALL) if cell.role == "tests" else None
    return " ".join(found[1].split()) if found else ""


def solution(cell: Cell) -> str:
    """The author's own answer: what stands in the solution regions of an essay, or the whole code cell."""
    if cell.role == "answer":
        return cell.source
    return "\n".join(match[2].strip("\n") for match in SOLUTION.finditer(cell.source)) or cell.source


def python(source: str) -> str:
    """Python from a cell that may hold IPython's magics; what is no valid IPython is left as it is."""
    if not re.search(r"^[ \t]*[%!?]|\?[ \t]*$|=[ \t]*[!%]", source, re.MULTILINE):
        return source
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return TransformerManager().transform_cell(source)
    except SyntaxError:
        return source


@lru_cache(maxsize=2)
def tree(source: str) -> ast.Module:
    """The syntax of anyone's cell without its magics; empty where it has none. Quick, whatever it is."""
    for text in (source, MAGIC.sub(r"\1None", re.sub(r"\A%%.*", "", source))):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return ast.Module([], [])


def defined(source: str) -> set[str]:
    """The names that a cell's top level defines: functions, classes, assignments, imports."""
    names = set()
    for statement in tree(source).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        else:
            names |= {
                n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
    return names


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
