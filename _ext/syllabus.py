"""How long a chapter takes, how hard it is, what it stands on; and all chapters as one picture.

A chapter's front matter says `level:` and `needs:`, the labels of the chapters to read before it. Its minutes
are counted. A line below its title shows them. `{chapter-map}` draws all chapters in their order, with arcs
from each to those that build on it.
"""

from dataclasses import dataclass
from html import escape

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LEVELS = ("introductory", "intermediate", "advanced")
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 15  # of prose with numbers and formulas, of code that is read closely
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chapter:
    page: str
    title: str
    minutes: int
    level: str
    needs: tuple[str, ...]  # pages


class ChapterMap(nodes.General, nodes.Element):
    """Stands where {chapter-map} was read."""


class MapDirective(SphinxDirective):
    def run(self):
        return [ChapterMap()]


# ---- one chapter


def minutes_of(document: nodes.document) -> int:
    """To read its words and its code, without what cells printed."""
    words = lines = 0
    hidden = (nodes.comment, nodes.substitution_definition, nodes.docinfo, nodes.target)
    for text in document.findall(nodes.Text):
        parents = ancestors(text)
        if any(isinstance(node, hidden) or is_output(node) for node in parents):
            continue
        if any(isinstance(node, nodes.literal_block) for node in parents):
            lines += sum(bool(line.strip()) for line in text.splitlines())
        else:
            words += len(text.split())
    return max(1, round(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE))


def ancestors(node: nodes.Node):
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code_output"


def read(app, document) -> None:
    """Keep what the front matter says, add the minutes, and show both below the title."""
    facts = app.env.metadata[app.env.docname]
    if "level" not in facts:
        return
    if facts["level"] not in LEVELS:
        LOG.warning("level: %s is none of %s", facts["level"], ", ".join(LEVELS), location=app.env.docname)
    facts["minutes"] = minutes_of(document)
    line = nodes.container(classes=["chapter-facts"])
    line += nodes.inline("", f"{facts['minutes']} minutes · {facts['level']}")
    title = next(document.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, line)


# ---- all chapters


def chapters(env) -> list[Chapter]:
    """Those that say how hard they are, in the order of the book; warns of a need that is no earlier one."""
    found = {}
    labels = env.domains["std"].anonlabels
    for page in env.toctree_includes.get(env.config.root_doc, ()):
        facts = env.metadata[page]
        if "level" not in facts:
            continue
        needs = []
        for label in facts.get("needs", "").split():
            need = labels.get(label, (None,))[0]
            if need in found:
                needs.append(need)
            else:
                LOG.warning("needs: %s is no chapter before this one", label, location=page)
        found[page] = Chapter(page, env.titles[page].astext(), facts["minutes"], facts["level"], tuple(needs))
    return list(found.values())


def draw(app, doctree, docname) -> None:
    for node in list(doctree.findall(ChapterMap)):
        shown = chapters(app.env)
        address = {c.page: app.builder.get_relative_uri(docname, c.page) for c in shown}
        node.replace_self(nodes.raw("", picture(shown, address), format="html"))


def picture(shown: list[Chapter], address: dict[str, str]) -> str:
    """A list of links with facts, and beside it the arcs, which readers of the list need not see.

    All chapters build on the first, so no arcs are drawn from there.
    """
    titles = {chapter.page: chapter.title for chapter in shown}
    rows = []
    for chapter in shown:
        after = " and ".join(titles[need] for need in chapter.needs)
        hidden = f'<span class="visually-hidden">, after {escape(after)}</span>' if after else ""
        rows.append(
            f'<li><a class="reference internal" href="{address[chapter.page]}">{escape(chapter.title)}</a> '
            f"<span>{chapter.minutes} min, {chapter.level}{hidden}</span></li>"
        )
    drawing = f'<svg viewBox="0 0 2 {len(shown)}" aria-hidden="true">{arcs(shown)}</svg>'
    return f'<div class="chapter-map" style="--rows: {len(shown)}">{drawing}<ol>{"".join(rows)}</ol></div>'


def arcs(shown: list[Chapter]) -> str:
    """In units of a row: a dot for each chapter, and arcs to the left of the dots."""
    place = {chapter.page: number + 0.5 for number, chapter in enumerate(shown)}
    dots = "".join(f'<circle cx="1.8" cy="{y}" r="0.09"/>' for y in place.values())
    lines = ""
    for chapter in shown:
        for need in chapter.needs:
            if need != shown[0].page:
                start, end = place[need], place[chapter.page]
                left = max(0.0, 1.4 - 0.3 * (end - start))
                lines += f'<path d="M 1.8 {start} C {left:.2f} {start}, {left:.2f} {end}, 1.8 {end}"/>'
    return lines + dots


def setup(app):
    app.add_node(ChapterMap)
    app.add_directive("chapter-map", MapDirective)
    app.connect("doctree-read", read)
    app.connect("doctree-resolved", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
