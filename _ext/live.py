"""Keep in files what live models carry: a cell's output holds its weights and the script that runs them.

While pages are read, each script of class `tinylm-carried` is taken out of a cell's HTML and put into the
folder of the doctrees, under the name that its content gave it, so that many outputs share one file. When the
book is built, the weights go to `_static/live/`, where the script finds them; the script itself becomes
`_static/live/tinylm-live.js`, loaded by the pages that need it.
"""

import re
import shutil
from pathlib import Path

from docutils import nodes

CARRIED = re.compile(r'<script class="tinylm-carried" data-name="([\w-]+)">(.*?)</script>', re.DOTALL)
RUNTIME = "tinylm-live"


def part(html: str) -> tuple[str, dict[str, str]]:
    """A cell's HTML as a page wants it, and the scripts that were in it, by name."""
    opened = html.replace("<tinylm-live><template>", '<tinylm-live><template shadowrootmode="open">')
    return CARRIED.sub("", opened), dict(CARRIED.findall(html))


def folder(app) -> Path:
    return Path(app.doctreedir) / "live"


def take_out(app, doctree) -> None:
    carried = {}
    for node in doctree.findall(nodes.raw):
        text = node.astext()
        if "tinylm-carried" in text:
            page, scripts = part(text)
            carried |= scripts
            node.children = [nodes.Text(page)]
            node.rawsource = page
    folder(app).mkdir(parents=True, exist_ok=True)
    for name, script in carried.items():
        (folder(app) / f"{name}.js").write_text(script, encoding="utf-8")
    app.env.metadata[app.env.docname]["live"] = sorted(carried)


def copy(app, env) -> None:
    """Put the files of this build's pages, and no others, where the pages look for them."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "live"
    shutil.rmtree(target, ignore_errors=True)
    names = {name for page in env.metadata.values() for name in page.get("live", ())}
    for name in sorted(names):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder(app) / f"{name}.js", target / f"{name}.js")


def load_runtime(app, pagename, templatename, context, doctree) -> None:
    if app.env.metadata.get(pagename, {}).get("live"):
        app.add_js_file(f"live/{RUNTIME}.js", loading_method="defer")


def setup(app):
    app.connect("doctree-read", take_out)
    app.connect("env-updated", copy)
    app.connect("html-page-context", load_runtime)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
