"""Write each chapter as a notebook beside its page.

A chapter is MyST, which notebooks show raw. So the notebook takes its words from the built page, where all is
resolved, and its code and figures from the cells as they ran. Its first cell installs the library where that
is missing, as on Colab; nothing else beside it is needed.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import page_text
from bs4 import Tag
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.errors import ExtensionError

from classroom import first_cell
from tinylm.claims import MIME

FOLDER, STATUS = "chapters/", "chapters/status"
KEPT = {"image/svg+xml", "image/png", "text/plain"}  # of an output


def write_all(app, error) -> None:
    """Write the notebooks of all chapters that have cells; raises ExtensionError where one cannot be."""
    if error is not None or app.builder.format != "html":
        return
    for docname in sorted(pages_with_cells(app)):
        nbformat.write(of_page(app, docname), Path(app.outdir) / f"{docname}.ipynb")


def pages_with_cells(app) -> set[str]:
    """The chapters that a kernel ran, but for the page that tells of the build itself."""
    ran = {page for page, data in app.env.nb_metadata.items() if "exec_data" in data}
    return {page for page in ran if page.startswith(FOLDER)} - {STATUS}


def of_page(app, docname: str) -> nbformat.NotebookNode:
    """The notebook of a page, from its HTML and from its cells as they ran."""
    article = page_text.read(Path(app.outdir), docname).select_one(page_text.ARTICLE)
    settings = app.env.mystnb_config
    source = nbformat.read(Path(settings.output_folder) / f"{docname}.ipynb", as_version=4)
    _, ran = get_cache(settings.execution_cache_path).merge_match_into_notebook(source)
    codes = [cell for cell in ran.cells if cell.cell_type == "code" and "remove-cell" not in tags(cell)]
    book = app.config.html_baseurl
    cells = [
        new_markdown_cell(
            f"*This is a chapter of [{app.config.html_title}]({book}{docname}.html), as a notebook. "
            "It trains on a GPU where there is one; "
            f"[one line]({book}chapters/setup.html#a-graphics-processor) then makes its models larger.*"
        ),
        new_code_cell(first_cell.source("tinylm").rstrip()),
    ]
    cells += joined(article, codes, page_text.PageText(f"{book}{docname}.html"), docname)
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # the same at every build
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "colab": {"provenance": [], "toc_visible": True},
    }
    return new_notebook(cells=cells, metadata=about)


def joined(article: Tag, codes: list, text: page_text.PageText, docname: str) -> list:
    """Cells of words and of code, in the page's order."""
    cells, words, waiting = [], [], list(codes)
    for part in parts(article):
        if "cell" not in part.get("class", ()):
            words.append(text.text(part))
            continue
        if not waiting:
            raise ExtensionError(f"{docname}: the page has more cells than ran")
        caption = part.find("figcaption")
        if words:
            cells.append(new_markdown_cell("\n\n".join(filter(None, words))))
        cells.append(code_cell(waiting.pop(0)))
        words = [text.text(caption)] if caption else []
    if waiting:
        raise ExtensionError(f"{docname}: {len(waiting)} cells that ran are not on the page")
    return [*cells, new_markdown_cell("\n\n".join(filter(None, words)))]


def parts(tag: Tag) -> Iterator[Tag]:
    """The page's blocks one by one: what sections and wrappers hold, down to cells and what holds none."""
    for child in tag.find_all(recursive=False):
        if "cell" in child.get("class", ()) or not child.select_one("div.cell"):
            yield child
        else:
            yield from parts(child)


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cell(cell):
    """A cell's code, with what it drew and printed; folded where the page folds it."""
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"} if "hide-input" in tags(cell) else {}
    outputs = [] if "remove-output" in tags(cell) else [light(output) for output in cell.outputs]
    return new_code_cell(cell.source, metadata=folded, outputs=[output for output in outputs if output])


def light(output):
    """An output without what only a page or a kernel can show; None where nothing is left."""
    if output.output_type not in ("display_data", "execute_result"):
        return output
    if MIME in output.data or not output.data.keys() <= KEPT:
        return None  # a record, which the words tell; a live model, which carries megabytes; a progress bar
    return output


def setup(app):
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
