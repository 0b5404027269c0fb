"""The book as one PDF: its pages in one document, printed once."""

import json
import re
from html import escape
from pathlib import Path

import articles
import browser
import document
from articles import Article
from edition import Edition
from pypdf import PdfReader, PdfWriter


def make(edition: Edition, path: Path) -> str:
    """Print the book to `path`; what came out comes back in words."""
    found = articles.read_all(edition, lambda slug, anchor: f"#{anchor}")
    body = contents(found) + "\n".join(map(sheets, found))
    html, printed = document.html(edition, body, running_heads(found)), path.with_suffix(".printed.pdf")
    with browser.opened(html, path.with_suffix(".html")) as page:
        page.pdf(path=printed, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    finish(edition, printed, path)
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


def sheets(article: Article) -> str:
    """A page below its part: its headings a level lower, and the part's name above the first page of each."""
    for heading in article.tag.find_all(re.compile("^h[1-5]$")):
        heading.name = f"h{int(heading.name[1]) + 1}"
    part = f'<h1 class="part">{escape(article.part)}</h1>' if article.part else ""
    return f'<div class="sheets" style="page: {article.slug}">{part}{article.tag}</div>'


def finish(edition: Edition, printed: Path, path: Path) -> None:
    """Add what Chromium cannot say: who wrote it, and that a window shows its title, not its file's name."""
    moment = f"D:{edition.date:%Y%m%d%H%M%S}Z"
    writer = PdfWriter(printed, incremental=True)
    writer.add_metadata({"/Author": edition.author, "/CreationDate": moment, "/ModDate": moment})
    writer.create_viewer_preferences().display_doctitle = True
    writer.write(path)
