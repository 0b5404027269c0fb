"""The learner's notebook: stubs in place of answers, visible tests, a cell that makes it run anywhere."""

from classroom import exercise, first_cell, selfcheck
from classroom.exercise import Exercise

SETUP = """\
{install}
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
    return SETUP.format(install=first_cell.source("classroom"), tests="\n".join(rows))


def stubs(notebook, source: Exercise):
    """A new notebook with what learners may see of the author's, as `exercise.read` gives both."""
    return _notebook(_stubs(notebook, source))


def for_learners(notebook, source: Exercise):
    """`stubs`, with a first cell that lets it run anywhere and say what passes, and a last that adds up."""
    first, last = (("code", text, {"tags": ["classroom"]}) for text in (setup_source(source), LAST))
    cells = _stubs(notebook, source)
    at = 1 if cells and source.cells[0].role == "text" else 0  # below the title
    return _notebook([*cells[:at], first, *cells[at:], last])


def for_nbgrader(notebook):
    """The author's notebook, answers and all, as nbgrader's `source` folder wants it."""
    return _notebook([(raw.cell_type, raw.source, raw.metadata) for raw in notebook.cells])


def _stubs(notebook, source: Exercise) -> list[tuple]:
    """Kind, text and metadata of each cell."""
    pairs = zip(notebook.cells, source.cells, strict=True)
    return [(raw.cell_type, exercise.visible(cell), _metadata(raw, cell)) for raw, cell in pairs]


def _metadata(raw, cell) -> dict:
    metadata = {key: value for key, value in raw.metadata.items() if key != "forbidden"}
    if cell.role == "tests":  # Jupyter and Colab then keep them from being changed by accident
        metadata |= {"editable": False, "deletable": False}
    elif cell.role in ("answer", "essay"):
        metadata["deletable"] = False
    return metadata


def _notebook(cells: list[tuple]):
    """A new notebook of cells given as kind, text and metadata."""
    _, nbformat = exercise.libraries()
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, (kind, text, metadata) in enumerate(cells):
        # numbered, so that the same source gives the same file
        notebook.cells.append(new.get(kind, nbformat.v4.new_markdown_cell)(text, id=f"cell-{number}"))
        notebook.cells[-1].metadata.update(metadata)
    nbformat.validate(notebook)
    return nbformat.from_dict(notebook)
