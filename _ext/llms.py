"""Write llms.txt, and each page as Markdown beside it: for programs that read for a person.

The form is that of https://llmstxt.org: a title, what the book is, and the pages of each part, a line each.
"""

from pathlib import Path

from bs4 import BeautifulSoup
from page_text import PageText
from sphinx_external_toc.parsing import parse_toc_yaml


def write(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    toc = parse_toc_yaml(Path(app.srcdir) / app.config.external_toc_path)
    lines = [f"# {app.config.html_title}", "", f"> {described(out, toc.root.docname)}"]
    for part in toc.root.subtrees:
        lines += ["", f"## {part.caption or 'Pages'}", ""]
        for page in part.files():
            html = out / f"{page}.html"
            article = BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser").select_one(
                "article.bd-article"
            )
            text = PageText(f"{base}{page}.html").text(article)
            html.with_suffix(".md").write_text(f"{text}\n", encoding="utf-8")
            title = app.env.titles[page].astext()
            lines.append(f"- [{title}]({base}{page}.md): {described(out, page)}")
    (out / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def described(out: Path, page: str) -> str:
    """What a page says of itself to search engines."""
    head = BeautifulSoup((out / f"{page}.html").read_text(encoding="utf-8"), "html.parser").head
    return head.find("meta", attrs={"name": "description"})["content"].strip()


def setup(app):
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
