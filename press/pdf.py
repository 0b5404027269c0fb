"""The book as one PDF: its pages in one document.

It is printed twice: only the first print tells on which sheets the contents' pages begin.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import articles
import browser
import document
from articles import Article
from edition import Edition
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

HEADING = re.compile("^h[1-6]$")
ON_A4 = {"prefer_css_page_size": True, "print_background": True}  # as print.css says
NUMBERED = """(sheets) => document.querySelectorAll(".contents a").forEach((link) => {
  link.dataset.sheet = sheets[link.hash.slice(1)];
})"""


def make(edition: Edition, path: Path) -> str:
    """Print the book to `path`; what came out comes back in words."""
    found = articles.read_all(edition, lambda slug, anchor: f"#{anchor}")
    body = contents(found) + "\n".join(map(sheets, found))
    html, printed = document.html(edition, body, running_heads(found)), path.with_suffix(".printed.pdf")
    with browser.opened(html, path.with_suffix(".html")) as page:
        page.pdf(path=printed, **ON_A4)
        page.evaluate(NUMBERED, first_sheets(printed, found))
        page.pdf(path=printed, tagged=True, outline=True, **ON_A4)
    finish(edition, ["Contents", *headings(found)], printed, path)
    return f"{len(PdfReader(path).pages)} sheets"


def running_heads(found: list[Article]) -> str:
    """Above each sheet stands its chapter: sheets of a name of their own have a head of their own."""
    titles = {article.slug: json.dumps(article.title, ensure_ascii=False) for article in found}
    return "".join(
        f"@page {slug} {{ @top-right {{ content: {title} }} }}\n" for slug, title in titles.items()
    )


def contents(found: list[Article]) -> str:
    rows = "".join(
        (f'<li class="part">{escape(article.part)}</li>' if article.part else "")
        + f'<li><a href="#{article.slug}">{escape(article.title)}</a></li>'
        for article in found
    )
    return f'<nav class="contents"><h1>Contents</h1><ul>{rows}</ul></nav>'


def first_sheets(printed: Path, found: list[Article]) -> dict[str, int]:
    """On which sheet each page of the book begins."""
    reader = PdfReader(printed)
    places = reader.named_destinations
    return {a.slug: reader.get_destination_page_number(places[f"/{a.slug}"]) + 1 for a in found}


def sheets(article: Article) -> str:
    """A page below its part: its headings a level lower, and the part's name above the first page of each."""
    for heading in article.tag.find_all(HEADING):
        heading.name = f"h{int(heading.name[1]) + 1}"
    part = f'<h1 class="part">{escape(article.part)}</h1>' if article.part else ""
    return f'<div class="sheets" style="page: {article.slug}">{part}{article.tag}</div>'


def headings(found: list[Article]) -> list[str]:
    """All headings in the order of the sheets."""
    titles = []
    for article in found:
        titles += [article.part] if article.part else []
        titles += [" ".join(heading.get_text().split()) for heading in article.tag.find_all(HEADING)]
    return titles


def finish(edition: Edition, titles: list[str], printed: Path, path: Path) -> None:
    """Say who wrote it, let windows show its title, not its file's name, and name the outline's entries.

    In the outline Chromium writes the first heading of a sheet twice ("ContentsContents").
    """
    moment = f"D:{edition.date:%Y%m%d%H%M%S}Z"
    writer = PdfWriter(printed, incremental=True)
    writer.add_metadata({"/Author": edition.author, "/CreationDate": moment, "/ModDate": moment})
    writer.create_viewer_preferences().display_doctitle = True
    for entry, title in zip(entries(writer.root_object["/Outlines"]), titles, strict=True):
        entry[NameObject("/Title")] = TextStringObject(title)
    writer.write(path)


def entries(node: DictionaryObject) -> Iterator[DictionaryObject]:
    """The outline's entries below `node`, in the order of the sheets."""
    child = node.get("/First")
    while child:
        yield child.get_object()
        yield from entries(child.get_object())
        child = child.get_object().get("/Next")
