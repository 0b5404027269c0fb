"""The book as EPUB 3: a page each of its pages, mathematics as MathML, figures as files.

Chromium makes the XHTML: it has read the pages as readers' browsers do.
"""

import re
import uuid
from html import escape
from pathlib import Path

import archive
import articles
import browser
import document
from articles import Article
from edition import Edition

STYLE = Path(__file__).with_name("epub.css")
TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
# Each page as XHTML: of formulas the MathML, without MathJax's own marks, and nothing that needs a script.
AS_XHTML = """() => {
  for (const formula of document.querySelectorAll("mjx-container")) {
    const math = formula.querySelector("mjx-assistive-mml math");
    for (const part of [math, ...math.querySelectorAll("*")])
      for (const name of part.getAttributeNames()) if (name.startsWith("data-")) part.removeAttribute(name);
    formula.replaceWith(math);
  }
  document.querySelectorAll("tinylm-live, .page metadata, .chapter-map svg").forEach((part) => part.remove());
  const serializer = new XMLSerializer();
  const pages = [...document.querySelectorAll(".page")];
  pages.forEach((page) => page.remove()); // only the title page is left, for its picture
  return pages.map((page) => serializer.serializeToString(page));
}"""
COVER = """<div class="cover">
<img src="cover.png" alt="The title page: a row of tokens, the last one being predicted."/>
</div>"""
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
ACCESSIBILITY = {
    "schema:accessMode": ["textual", "visual"],
    "schema:accessModeSufficient": ["textual"],
    "schema:accessibilityFeature": [
        "alternativeText",
        "displayTransformability",
        "MathML",
        "readingOrder",
        "structuralNavigation",
        "tableOfContents",
    ],
    "schema:accessibilityHazard": ["none"],
    "schema:accessibilitySummary": ["All figures are described, formulas are MathML, and code is text."],
}


def make(edition: Edition, path: Path) -> str:
    """Write the EPUB to `path`; what it holds comes back in words."""
    found = articles.read_all(edition, lambda slug, anchor: f"{slug}.xhtml#{anchor}")
    body = "".join(str(article.tag) for article in found)
    with browser.opened(document.html(edition, body), path.with_suffix(".html")) as page:
        texts = page.evaluate(AS_XHTML)
        picture = page.locator(".cover").screenshot()
    images = {}
    pages = {
        article.slug: xhtml(edition, article.title, with_images(text, images))
        for article, text in zip(found, texts, strict=True)
    }
    entries = [
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.encode()),
        ("EPUB/package.opf", package(edition, pages, images).encode()),
        ("EPUB/nav.xhtml", navigation(edition, found).encode()),
        ("EPUB/cover.xhtml", xhtml(edition, edition.title, COVER).encode()),
        ("EPUB/cover.png", picture),
        ("EPUB/style.css", (STYLE.read_text(encoding="utf-8") + document.code_style()).encode()),
        *((f"EPUB/{name}.xhtml", text.encode()) for name, text in pages.items()),
        *((f"EPUB/images/{name}", file.read_bytes()) for name, file in sorted(images.items())),
    ]
    archive.write(path, entries)
    return f"{len(pages)} pages, {len(images)} figures"


def with_images(text: str, images: dict[str, Path]) -> str:
    """The page with its figures' names in the book; the files are added to `images`."""

    def moved(match: re.Match) -> str:
        file = articles.file_of(match[1])
        images[file.name] = file
        return f'src="images/{file.name}"'

    return re.sub(r'src="(file://[^"]+)"', moved, text)


def xhtml(edition: Edition, title: str, body: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang="{edition.language}" xml:lang="{edition.language}">
<head><meta charset="utf-8"/><title>{escape(title)}</title><link rel="stylesheet" href="style.css"/></head>
<body>
{body}
</body>
</html>
"""


def navigation(edition: Edition, found: list[Article]) -> str:
    """The contents: the first page, then each part with its pages."""
    groups = [["", []]]
    for article in found:
        if article.part:
            groups.append([article.part, []])
        groups[-1][1].append(f'<li><a href="{article.slug}.xhtml">{escape(article.title)}</a></li>')
    rows = "".join(
        f"<li><span>{escape(part)}</span><ol>{''.join(items)}</ol></li>" if part else "".join(items)
        for part, items in groups
    )
    body = f"""<nav epub:type="toc" role="doc-toc"><h1>Contents</h1><ol>{rows}</ol></nav>
<nav epub:type="landmarks" hidden=""><h2>Landmarks</h2><ol>
<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>
<li><a epub:type="bodymatter" href="{found[0].slug}.xhtml">{escape(found[0].title)}</a></li>
</ol></nav>"""
    return xhtml(edition, "Contents", body)


def package(edition: Edition, pages: dict[str, str], images: dict[str, Path]) -> str:
    """What is in the book, in which order, and what is to be known of it."""
    meta = "".join(
        f'<meta property="{name}">{escape(value)}</meta>\n'
        for name, values in ACCESSIBILITY.items()
        for value in values
    )
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"{properties(text)}/>\n'
        for name, text in pages.items()
    )
    items += "".join(
        f'<item id="image-{number}" href="images/{name}" media-type="{TYPES[Path(name).suffix]}"/>\n'
        for number, name in enumerate(sorted(images))
    )
    spine = "".join(f'<itemref idref="{name}"/>\n' for name in pages)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"
 xml:lang="{edition.language}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, edition.address)}</dc:identifier>
<dc:title>{escape(edition.title)}</dc:title>
<dc:creator>{escape(edition.author)}</dc:creator>
<dc:language>{edition.language}</dc:language>
<dc:source>{edition.address}</dc:source>
<dc:rights>MIT License</dc:rights>
<meta property="dcterms:modified">{edition.date:%Y-%m-%dT%H:%M:%SZ}</meta>
{meta}</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>
<item id="cover-picture" href="cover.png" media-type="image/png" properties="cover-image"/>
<item id="style" href="style.css" media-type="text/css"/>
{items}</manifest>
<spine>
<itemref idref="cover"/>
<itemref idref="nav"/>
{spine}</spine>
</package>
"""


def properties(text: str) -> str:
    """What a reading system must know beforehand of a page."""
    found = [name for name, mark in (("mathml", "<math"), ("svg", "<svg")) if mark in text]
    return f' properties="{" ".join(found)}"' if found else ""
