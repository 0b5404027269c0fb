"""Typeset formulas while the book is built: a page needs no script to show them, and asks no other host.

MathJax, from a package, runs in V8 here and writes the HTML that it would make in a reader's browser
(https://docs.mathjax.org/en/v3.2/server/components.html). Out of sight beside it stands MathML, which screen
readers speak and the EPUB takes, and in that the TeX, for the notebooks.
"""

import atexit
import re
import shutil
from functools import cache
from html import escape, unescape
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

MATHJAX = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0]) / "static/mathjax"
PARTS = [  # in the order of what needs what
    "startup.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
]
FOLDER, STYLE, FONTS = "mathematics", "mathematics.css", "output/chtml/fonts/woff-v2"
SETTINGS = """
globalThis.self = globalThis;
globalThis.MathJax = {
  startup: {
    typeset: false, input: ["tex"], output: "chtml",
    handler: "HTMLHandler", adaptor: "liteAdaptor", document: "",
  },
  loader: { load: [] },
  tex: { packages: ["base", "ams"], formatError: (_, error) => { throw error; } },
  chtml: { fontURL: "." },
  options: { enableAssistiveMml: true },
};
"""
READY = """
MathJax.startup.getComponents();
MathJax.startup.makeMethods();
globalThis.typeset = (tex, display) => {
  try {
    return ["", MathJax.startup.adaptor.outerHTML(MathJax.tex2chtml(tex, { display, em: 16, ex: 8 }))];
  } catch (error) {
    return [error.message, ""];
  }
};
globalThis.style = () => MathJax.startup.adaptor.textContent(MathJax.chtmlStylesheet());
"""
MATH = re.compile("(<math[^>]*>)(.*)</math>", re.DOTALL)
TEX = '<annotation encoding="application/x-tex">'
FORMULA = re.compile(f'<math [^>]*?( display="block")?><semantics>.*?{TEX}(.*?)</annotation>', re.DOTALL)
# MathJax's letters are 0.442 em high, and should be as high as those around them, or a part of that
SIZE = "mjx-container { font-size: calc(var(--formula-size, 1) * 1ex / 0.442); }\n"


@cache
def mathjax() -> MiniRacer:
    """MathJax; its style sheet will be of the letters that its formulas use."""
    context = MiniRacer()
    atexit.register(context.close)  # or its thread, which ends before it, would be waited for
    for script in [SETTINGS, *((MATHJAX / part).read_text(encoding="utf-8") for part in PARTS), READY]:
        context.eval(f"{script};0")
    return context


@cache
def typeset(tex: str, display: bool = False) -> str:
    """A formula as HTML. Raises ValueError, in TeX's words, where it is none."""
    problem, html = mathjax().call("typeset", tex, display)
    if problem:
        raise ValueError(problem)
    source = f"{TEX}{escape(tex)}</annotation>"
    return MATH.sub(lambda m: f"{m[1]}<semantics><mrow>{m[2]}</mrow>{source}</semantics></math>", html)


def inline(translator, node: nodes.math) -> None:
    start = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{start}{shown(node, node.astext().strip())}</span>")
    raise nodes.SkipNode


def block(translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", "", CLASS="math notranslate nohighlight"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    tex = node.astext().strip()
    if r"\\" in tex and not node["nowrap"]:
        tex = rf"\begin{{split}}{tex}\end{{split}}"  # as Sphinx has it: several lines are one formula
    translator.body.append(f"{shown(node, tex, display=True)}</div>\n")
    raise nodes.SkipNode


def shown(node: nodes.Element, tex: str, display: bool = False) -> str:
    """The formula's HTML, or, where it has a mistake, its TeX and a warning."""
    try:
        return typeset(tex, display)
    except ValueError as error:
        logging.getLogger(__name__).warning("TeX has an error: %s: %s", error, tex, location=node)
        return f"<code>{escape(tex)}</code>"


def add_style(app, pagename, templatename, context, doctree) -> None:
    """Pages with formulas get their style."""
    if "<mjx-container" in context.get("body", ""):
        app.add_css_file(f"{FOLDER}/{STYLE}")


def write_style(app, error) -> None:
    """MathJax's letters, and the style of all formulas, also of those in pages that this build left alone."""
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        for display, tex in FORMULA.findall(page.read_text(encoding="utf-8")):
            typeset(unescape(tex), display=bool(display))
    folder = Path(app.outdir) / "_static" / FOLDER
    shutil.copytree(MATHJAX / FONTS, folder, dirs_exist_ok=True)
    (folder / STYLE).write_text(mathjax().call("style") + SIZE, encoding="utf-8")


def setup(app):
    # each a pair: what visits a node, and what leaves it
    app.add_html_math_renderer("mathematics", (inline, None), (block, None))
    app.connect("html-page-context", add_style)
    app.connect("build-finished", write_style)
    return {"parallel_read_safe": True, "parallel_write_safe": False}  # a fork has no V8
