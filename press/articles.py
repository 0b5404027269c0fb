"""The pages of the built book as parts of one document: ids of their own, links among themselves, no buttons.

A page's HTML is taken, not its source: there every number, reference and caption is resolved. What a live
model shows without a script stays, and a line says where it answers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from bs4 import BeautifulSoup, Tag
from edition import ROOT, Edition
from sphinx_external_toc.parsing import parse_toc_yaml

DROPPED = "a.headerlink, .toctree-wrapper, button, summary"
# names, signs and spaces of code: nearly its ground's colour, and most of the marks in the book
PLAIN = re.compile(r'<span class="(?:n|nn|nx|o|p|w)">([^<]*)</span>')
SHORT = 16  # lines of code that are kept on one sheet


@dataclass
class Article:
    slug: str  # the page's name, as an id and a file name
    part: str  # the part of the book that begins with it, or ""
    title: str
    tag: Tag


def read_all(edition: Edition, link: Callable[[str, str], str]) -> list[Article]:
    """All pages in the order of the contents. link(slug, id) is how one leads to a place on another."""
    toc = parse_toc_yaml(ROOT / "_toc.yml").root
    names = {str(toc.docname): ""}
    for part in toc.subtrees:
        names |= {name: "" for name in part.files()}
        names[part.files()[0]] = part.caption or ""
    return [read(edition, name, part, names, link) for name, part in names.items()]


def read(edition: Edition, name: str, part: str, names, link: Callable[[str, str], str]) -> Article:
    """One page; `names` are those of all that are in the book."""
    text = (edition.html / f"{name}.html").read_text(encoding="utf-8")
    page = BeautifulSoup(PLAIN.sub(r"\1", text), "html.parser")
    tag = page.select_one("article.bd-article")
    tag.attrs = {"id": slug(name), "class": "page"}
    for questions in tag.select(".quiz"):
        open_answers(questions)
    for scrap in tag.select(DROPPED):
        scrap.decompose()
    for script in tag.find_all("script"):
        if not script.find_parent("template"):
            script.decompose()
    for fold in tag.find_all("details"):  # a sheet has nothing to click on
        fold.unwrap()
    for live in tag.find_all("tinylm-live"):
        for control in live.find_all(class_="needs-script"):
            control.decompose()
        live.insert_after(answers_on_the_web(page, f"{edition.address}{name}.html"))
    for block in tag.select("div.highlight"):
        block["class"] = ["highlight", *(["short"] if block.get_text().count("\n") <= SHORT else [])]
    for marked in outside(tag, id=True):
        marked["id"] = own_id(name, marked["id"]) if marked is not tag else marked["id"]
    for image in tag.find_all("img"):
        image["src"] = (edition.html / f"{name}.html").parent.joinpath(image["src"]).resolve().as_uri()
    for anchor in outside(tag, "a", href=True):
        anchor.attrs = {"class": anchor.get("class", []), "href": anchor["href"]}
        anchor["href"] = resolve(edition.address, name, anchor["href"], names, link)
    return Article(slug(name), part, " ".join(tag.h1.get_text().split()), tag)


def open_answers(quiz: Tag) -> None:
    """Below each answer stands why it is right or not: a sheet has nothing to click on."""
    quiz.p.decompose()  # it says that answers open
    for question in quiz.select(".quiz-question"):
        question.attrs = {"class": "quiz-question"}
    for answer in quiz.find_all("details"):
        answer.name, answer.summary.name = "div", "p"


def outside(tag: Tag, *what, **conditions) -> list[Tag]:
    """What is found in a page, but not in its drawings and live models, which refer to themselves."""
    found = tag.parent.find_all(*what, **conditions) if tag.parent else []
    return [each for each in found if not each.find_parent(["svg", "template"])]


def slug(name: str) -> str:
    return name.replace("/", "-")


def own_id(name: str, anchor: str) -> str:
    """The id of a page's part, in a document that holds all pages."""
    return f"{slug(name)}--{unquote(anchor)}"


def resolve(address: str, name: str, href: str, names, link: Callable[[str, str], str]) -> str:
    """Where a link leads: to a place in the document, or to the published book and elsewhere."""
    url, anchor = urldefrag(urljoin(f"{address}{name}.html", href))
    target = url.removeprefix(address).removesuffix(".html")
    if target not in names or not url.startswith(address):
        return urljoin(f"{address}{name}.html", href)
    return link(slug(target), own_id(target, anchor) if anchor else slug(target))


def answers_on_the_web(page: BeautifulSoup, url: str) -> Tag:
    line = page.new_tag("p", attrs={"class": "on-the-web"})
    anchor = page.new_tag("a", href=url)
    anchor.string = url.removeprefix("https://")
    line.extend(["On the web this model answers, and you can type: ", anchor])
    return line


def file_of(uri: str) -> Path:
    """The file that an image's address names."""
    return Path(unquote(uri.removeprefix("file://")))
