"""Carry MathJax in the book itself: a page asks nothing of another host."""

import shutil
from importlib.util import find_spec
from pathlib import Path

PARTS = (
    "tex-chtml.js",
    "input/tex/extensions",
    "output/chtml/fonts/woff-v2",
)  # of 15 MB, what TeX on a page loads


def set_path(app, config) -> None:
    config.mathjax_path = "mathjax/tex-chtml.js"


def copy_mathjax(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    package = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0])
    for part in PARTS:
        source, target = (
            package / "static" / "mathjax" / part,
            Path(app.outdir) / "_static" / "mathjax" / part,
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def setup(app):
    app.connect("config-inited", set_path)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
