"""The words of a built page as Markdown that Colab, Kaggle, VS Code and Jupyter all show alike.

On the page every reference, number, citation and caption is resolved, so nothing of MyST is left in it.
"""

import re
from pathlib import Path
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

# what a notebook would take for mathematics, HTML, a link or code; * and _ are markdownify's own
SPECIAL = re.compile(r"[\\`$<\[\]]")
ARTICLE = "article.bd-article"
DROPPED = "a.headerlink, script, style, .toctree-wrapper, button, summary .expanded"


def read(folder: Path, page: str) -> BeautifulSoup:
    """A page of the built book in `folder`."""
    return BeautifulSoup((folder / f"{page}.html").read_text(encoding="utf-8"), "html.parser")


class PageText(MarkdownConverter):
    """Turns a part of the page at `address` into Markdown; links lead to the published book."""

    def __init__(self, address: str):
        super().__init__(heading_style=ATX, bullets="-", code_language_callback=language)
        self.address = address

    def text(self, part: Tag) -> str:
        for tag in part.select(DROPPED):
            tag.decompose()
        for tag in part.find_all(["a", "img"]):
            for name in {"href", "src"} & tag.attrs.keys():
                tag[name] = urljoin(self.address, tag[name])
            tag.attrs.pop("title", None)
        return re.sub(r"\n{3,}", "\n\n", self.convert_soup(part)).strip()

    def escape(self, text, parent_tags):
        return super().escape(SPECIAL.sub(r"\\\g<0>", text), parent_tags)

    def process_tag(self, node, parent_tags=None):
        """Mathematics as it is; all else as markdownify does it."""
        if "math" in node.get("class", ()):
            return mathematics(node)
        return super().process_tag(node, parent_tags)

    def convert_div(self, el, text, parent_tags):
        """An admonition becomes a quotation, its title in bold."""
        text = super().convert_div(el, text, parent_tags)
        return self.convert_blockquote(el, text, parent_tags) if "admonition" in el.get("class", ()) else text

    def convert_p(self, el, text, parent_tags):
        if {"admonition-title", "rubric"} & set(el.get("class", ())):
            text = f"**{text.strip()}**"
        return super().convert_p(el, text, parent_tags)

    def convert_span(self, el, text, parent_tags):
        """A figure's number stands out from its caption, a verdict from its words."""
        return f"**{text.strip()}** " if {"caption-number", "verdict"} & set(el.get("class", ())) else text

    def convert_details(self, el, text, parent_tags):
        """It stays what it is: notebooks open and close it too."""
        return f"\n\n<details>\n{text.strip()}\n\n</details>\n\n"

    def convert_summary(self, el, text, parent_tags):
        """In HTML, since here nothing reads Markdown; formulas between dollars all the same."""
        for formula in el.select(".math"):
            formula.replace_with(mathematics(formula))
        for part in el.find_all(True):
            part.attrs.clear()
            if part.name in ("span", "p"):
                part.unwrap()
        return f"<summary>{' '.join(el.decode_contents().split())}</summary>\n\n"

    def convert_abbr(self, el, text, parent_tags):
        return text

    def convert_td(self, el, text, parent_tags):
        return super().convert_td(el, text.replace("|", r"\|"), parent_tags)


def mathematics(node: Tag) -> str:
    """A formula between dollars; of a numbered one, its number as on the page."""
    tex = node.find("annotation").get_text()  # where `_ext/mathematics.py` keeps it
    if node.name == "span":
        return f"${tex}$"
    number = node.select_one(".eqno")
    label = rf" \tag{{{number.get_text().strip('()')}}}" if number else ""
    return f"\n\n$$\n{tex}{label}\n$$\n\n"


def language(pre: Tag) -> str:
    """What a listing is written in, as its box on the page says."""
    box = pre.find_parent("div", class_=re.compile("^highlight-"))
    name = box["class"][0].removeprefix("highlight-") if box else ""
    return {"ipython3": "python", "default": "", "none": ""}.get(name, name)
