"""The learner's notebook: stubs in place of answers, visible tests, a cell that makes it run anywhere."""

from classroom import exercise, selfcheck
from classroom.exercise import Exercise

REPOSITORY = "https://github.com/tinylm/course"
SETUP = """\
# Run this cell first. It installs the course's library where it is missing, on Colab for example.
import importlib.util

if importlib.util.find_spec("classroom") is None:
    %pip install --quiet "tinylm @ git+{repository}"

from classroom import selfcheck

selfcheck.start({{
{tests}
}})"""
LAST = "selfcheck.summary()  # how far you are; save the notebook before you hand it in"


def setup_source(source: Exercise) -> str:
    """The first cell of a learner's notebook."""
    rows = [
        f'    "{cell.id}": ({cell.points:g}, {selfcheck.mark(exercise.visible(cell))}),'
        for cell in source.of("tests")
    ]
    return SETUP.format(repository=REPOSITORY, tests="\n".join(rows))


def stubs(notebook, source: Exercise):
    """A new notebook with what learners may see of the author's, as `exercise.read_notebook` gives it."""
    cells = []
    for raw, cell in zip(notebook.cells, source.cells, strict=True):
        cells.append(_new_cell(raw.cell_type, exercise.visible(cell)))
        cells[-1].metadata.update(_metadata(raw, cell))
    return _finish(cells)


def for_learners(notebook, source: Exercise):
    """`stubs`, with a first cell that lets it run anywhere and say what passes, and a last that adds up."""
    cells = stubs(notebook, source).cells
    first, last = (
        _new_cell("code", text, metadata={"tags": ["classroom"]}) for text in (setup_source(source), LAST)
    )
    at = 1 if cells and source.cells[0].role == "text" else 0  # below the title
    return _finish([*cells[:at], first, *cells[at:], last])


def for_nbgrader(notebook):
    """The author's notebook, answers and all, as nbgrader's `source` folder wants it."""
    cells = []
    for raw in notebook.cells:
        cell = _new_cell(raw.cell_type, raw.source)
        cell.metadata.update(raw.metadata)
        cells.append(cell)
    return _finish(cells)


def _metadata(raw, cell) -> dict:
    metadata = {key: value for key, value in raw.metadata.items() if key != "forbidden"}
    if cell.role == "tests":  # Jupyter and Colab then keep them from being changed by accident
        metadata |= {"editable": False, "deletable": False}
    elif cell.role in ("answer", "essay"):
        metadata["deletable"] = False
    return metadata


def _new_cell(kind: str, text: str, **more):
    _, nbformat = exercise.libraries()
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(text, **more)


def _finish(cells: list):
    _, nbformat = exercise.libraries()
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the same source gives the same file
    nbformat.validate(notebook)
    return nbformat.from_dict(notebook)
