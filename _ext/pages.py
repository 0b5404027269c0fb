"""Finishing touches on the theme's pages: lighter, described, and named for people who cannot see them."""

import re
from html import escape
from pathlib import Path
from textwrap import shorten

from docutils import nodes

# 1.5 MB of script for icons that the theme's font draws without it
ICON_SCRIPT = re.compile(r"\s*<(script|link)[^>]*fontawesome\.js[^>]*>(</script>)?")
# a label that differs from the words shown: a reader who says those words to the browser would not be heard
WRONG_LABEL = re.compile(
    r'(<summary) aria-label="[^"]*"|(<button class="btn search-button-field[^>]*) aria-label="[^"]*"'
)

# the theme puts the book's name beside the list of chapters, in no region of the page
SIDEBAR = '<div id="pst-primary-sidebar"'
NAMED_SIDEBAR = f'{SIDEBAR} role="complementary" aria-label="The book and its chapters"'

# docutils gives an entry of a list a role that may not stand there, and is no longer used
ENTRY, LIST_ITEM = 'role="doc-biblioentry"', 'role="listitem"'


def describe(app, pagename, templatename, context, doctree) -> None:
    """Give a page its first paragraph as the description that search engines and messengers show."""
    if doctree is None:
        return
    paragraphs = (
        node.astext()
        for node in doctree.findall(nodes.paragraph)
        if not isinstance(node.parent, nodes.Admonition)
    )
    words = shorten(next(paragraphs, context["title"]), 200, placeholder=" …")
    context["metatags"] += f'<meta name="description" content="{escape(words)}" />\n'


def finish(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for part in [*static.glob("scripts/fontawesome.js*"), *static.glob("*macros.html")]:
        part.unlink()  # the macros are templates of the theme, no pages
    for path in Path(app.outdir).rglob("*.html"):
        page = ICON_SCRIPT.sub("", path.read_text(encoding="utf-8"))
        page = WRONG_LABEL.sub(r"\1\2", page).replace(SIDEBAR, NAMED_SIDEBAR).replace(ENTRY, LIST_ITEM)
        path.write_text(page, encoding="utf-8")


def setup(app):
    app.connect("html-page-context", describe)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
