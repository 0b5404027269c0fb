"""Show exercises as a learner meets them: without solutions, hidden tests and marking schemes.

In exercises/ stands the author's version. Before Sphinx parses it, it becomes the learner's, so nothing else
can reach the page or the search. Beside the page lies the notebook of the same. The page gets a label,
`exercises-` and the stem, and says where its notebook and its chapter are.
"""

from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat

from classroom.exercise import load, read_notebook, visible

FOLDER = "exercises/"
LEAD = """

<a href="{stem}.ipynb" download>Download these tasks as a notebook</a> and work on them in Jupyter, where the
course is [set up](#setup). They belong to the chapter [](#{stem}).
"""


def learners(path: Path):
    """The notebook that a learner gets of the exercise at `path`, with its test cells locked."""
    notebook = read_notebook(path)
    for index, (raw, cell) in enumerate(zip(notebook.cells, load(path).cells, strict=True)):
        raw.source = visible(cell)
        raw.id = cell.id or f"cell-{index}"  # the same in every build
        if cell.id:
            raw.metadata.deletable = False  # as nbgrader marks what it will look for
        if cell.role == "tests":
            raw.metadata.editable = False
    return notebook


def page(notebook, stem: str) -> str:
    """The text of the page that shows a learner's notebook."""
    notebook = deepcopy(notebook)
    notebook.cells[0].source = f"(exercises-{stem})=\n{notebook.cells[0].source}{LEAD.format(stem=stem)}"
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            if cell.cell_type == "code":
                cell.metadata.tags = ["tests"]  # the style sheet knows it
            else:
                cell.source = "*Your answer goes here, in your own words.*"
    return jupytext.writes(notebook, "md:myst")


def replace(app, docname: str, source: list[str]) -> None:
    if docname.startswith(FOLDER):
        path = Path(app.env.doc2path(docname))
        source[0] = page(learners(path), path.stem)


def hand_out(app, error) -> None:
    """Write the notebooks, and the learner's version over the sources that Sphinx copied as they were."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for docname in sorted(app.env.found_docs):
        if docname.startswith(FOLDER):
            notebook = learners(Path(app.env.doc2path(docname)))
            nbformat.write(notebook, out / f"{docname}.ipynb")
            jupytext.write(notebook, out / "_sources" / f"{docname}.md", fmt="md:myst")


def setup(app):
    app.connect("source-read", replace)
    app.connect("build-finished", hand_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
