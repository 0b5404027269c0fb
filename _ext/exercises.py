"""Show exercises as a learner meets them: without solutions, hidden tests and marking schemes.

In exercises/ stands the author's version. Before Sphinx parses it, it becomes the learner's, so nothing else
can reach the page or the search. Beside the page lies the notebook of the same. The page gets a label,
`exercises-` and the stem, and says where its notebook and its chapter are.
"""

from pathlib import Path

import jupytext
import nbformat

from classroom import release
from classroom.exercise import read

FOLDER = "exercises/"
LEAD = """

<a href="{stem}.ipynb" download>Download these tasks as a notebook</a> and work on them in Jupyter, where the
course is [set up](#setup), or in Colab. They belong to the chapter [](#{stem}).
"""


def page(path: Path) -> str:
    """The text of the page that shows what learners may see of the exercise at `path`."""
    notebook, stem = release.stubs(*read(path)), path.stem
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
        source[0] = page(Path(app.env.doc2path(docname)))


def hand_out(app, error) -> None:
    """Write the notebooks, and the learner's version over the sources that Sphinx copied as they were."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for docname in sorted(app.env.found_docs):
        if docname.startswith(FOLDER):
            path = Path(app.env.doc2path(docname))
            nbformat.write(release.for_learners(*read(path)), out / f"{docname}.ipynb")
            (out / "_sources" / f"{docname}.md").write_text(page(path), encoding="utf-8")


def without_source(app, pagename, templatename, context, doctree) -> None:
    """No button of an exercise's page leads to the author's version."""
    if pagename.startswith(FOLDER):
        for group in context.get("header_buttons", []):
            if buttons := group.get("buttons"):
                group["buttons"] = [b for b in buttons if f"/{pagename}" not in str(b.get("url"))]


def setup(app):
    app.connect("source-read", replace)
    app.connect("html-page-context", without_source, priority=900)  # after the theme's own
    app.connect("build-finished", hand_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
