"""The HTML document of the whole book: its style, its letters, its title page, and a body."""

from html import escape
from pathlib import Path

import font_source_sans_pro
import font_source_serif_pro
import matplotlib
from edition import OLDEST, Edition
from pygments.formatters import HtmlFormatter

PRINT_STYLE = Path(__file__).with_name("print.css")
CODE_STYLE = "a11y-high-contrast-light"  # as on the pages
SERIF, SANS = font_source_serif_pro.font_files_ttf, font_source_sans_pro.font_files_ttf
MONO = Path(matplotlib.get_data_path()) / "fonts/ttf"
FACES = [  # from packages, so that a sheet looks the same wherever it is made
    ("serif-text", "normal", 400, SERIF["SourceSerifPro"]),
    ("serif-text", "italic", 400, SERIF["SourceSerifProIt"]),
    ("serif-text", "normal", 700, SERIF["SourceSerifProSemibold"]),
    ("serif-text", "italic", 700, SERIF["SourceSerifProSemiboldIt"]),
    ("sans-text", "normal", 400, SANS["SourceSansPro"]),
    ("sans-text", "italic", 400, SANS["SourceSansProIt"]),
    ("sans-text", "normal", 700, SANS["SourceSansProSemibold"]),
    ("mono-text", "normal", 400, MONO / "DejaVuSansMono.ttf"),
    ("mono-text", "italic", 400, MONO / "DejaVuSansMono-Oblique.ttf"),
    ("mono-text", "normal", 700, MONO / "DejaVuSansMono-Bold.ttf"),
]


def html(edition: Edition, body: str, style: str = "") -> str:
    """The document with the title page and `body`; `style` is what only this one needs."""
    return f"""<!DOCTYPE html>
<html lang="{edition.language}" data-theme="light">
<head>
<meta charset="utf-8">
<title>{escape(edition.title)}</title>
<style>{faces()}{code_style()}</style>
<link rel="stylesheet" href="{(edition.html / "_static/book.css").as_uri()}">
<link rel="stylesheet" href="{(edition.html / "_static/mathematics/mathematics.css").as_uri()}">
<link rel="stylesheet" href="{PRINT_STYLE.as_uri()}">
<style>{style}</style>
</head>
<body>
{title_page(edition)}
{body}
</body>
</html>
"""


def title_page(edition: Edition) -> str:
    date = "" if edition.date == OLDEST else f", {edition.date:%-d %B %Y}"
    logo = (edition.html / "_static/logo.svg").as_uri()
    return f"""<section class="cover">
<img src="{logo}" alt="">
<p class="title">{escape(edition.title)}</p>
<p class="subtitle">A course on large language models in which nothing is asserted that is not run</p>
<p class="about">{escape(edition.author)}<br>Version {edition.version}{date}<br>
<a href="{edition.address}">{edition.address.removeprefix("https://").rstrip("/")}</a></p>
</section>"""


def faces() -> str:
    return "".join(
        f"@font-face {{ font-family: {family}; font-style: {slant}; font-weight: {weight};"
        f" src: url('{Path(file).as_uri()}'); }}\n"
        for family, slant, weight, file in FACES
    )


def code_style() -> str:
    """The colours of code."""
    return HtmlFormatter(style=CODE_STYLE).get_style_defs(".highlight")
