"""Write llms.txt, and each page as Markdown beside it: for programs that read for a person.

The form is that of https://llmstxt.org: a title, what the book is, and the pages of each part, a line each.
"""

from pathlib import Path

import page_text
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml


def write(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    toc = parse_toc_yaml(Path(app.srcdir) / app.config.external_toc_path)
    lines = [f"# {app.config.html_title}", "", f"> {described(page_text.read(out, toc.root.docname))}"]
    for part in toc.root.subtrees:
        lines += ["", f"## {part.caption or 'Pages'}", ""]
        for name in part.files():
            page, title = page_text.read(out, name), app.env.titles[name].astext()
            lines.append(f"- [{title}]({base}{name}.md): {described(page)}")
            text = page_text.PageText(f"{base}{name}.html").text(page.select_one(page_text.ARTICLE))
            (out / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")
    (out / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def described(page: BeautifulSoup) -> str:
    """What a page says of itself to search engines."""
    return page.head.find("meta", attrs={"name": "description"})["content"].strip()


def setup(app):
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
