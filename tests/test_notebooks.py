"""The chapters as notebooks: they read as their pages do, hold the same code, and need no other file."""

import re
from pathlib import Path

import claim_rows
import execute
import launch
import nbformat
import pytest
import stranger
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mathematics import typeset
from nbclient import NotebookClient
from page_text import PageText

from classroom import first_cell
from tinylm.claims import Number

ROOT = Path(__file__).resolve().parents[1]
PUBLISH = ROOT / ".github/workflows/publish.yml"
ADDRESS = "https://example.org/book/chapters/page.html"
LEFTOVER = re.compile(
    r"^:::|^```\{|\{(?:term|number|claim|numref|eq|cite:\w+|doc|ref)\}`|^\(\w[\w-]*\)=", re.MULTILINE
)


def words(html: str) -> str:
    return PageText(ADDRESS).text(BeautifulSoup(html, "html.parser"))


@pytest.fixture(scope="module")
def notebooks(book) -> dict[str, nbformat.NotebookNode]:
    return {
        path.stem: nbformat.read(path, as_version=4) for path in sorted((book / "chapters").glob("*.ipynb"))
    }


# ---- from the page to Markdown


def test_formulas_stand_between_dollars_with_their_numbers():
    assert words(f'<p>of <span class="math">{typeset("a_1 * b")}</span> and</p>') == "of $a_1 * b$ and"
    number = '<span class="eqno">(14)<a class="headerlink">#</a></span>'
    for shown, label in [(number, r" \tag{14}"), ("", "")]:
        block = f'<div class="math">{shown}{typeset("x_2 < y", display=True)}</div>'
        assert words(block) == f"$$\nx_2 < y{label}\n$$"


def test_code_that_is_hidden_on_the_page_is_so_here_under_one_title():
    title = '<p class="collapsed admonition-title">Show</p>\n<p class="expanded admonition-title">Hide</p>'
    html = f"<details class='admonition hide'><summary>\n{title}\n</summary><pre>1</pre></details>"
    assert words(html) == "<details>\n<summary>Show</summary>\n\n```\n1\n```\n\n</details>"


def test_an_admonition_is_a_quotation_under_its_title():
    html = '<div class="admonition tip"><p class="admonition-title">Guess</p><p>One.</p><p>Two.</p></div>'
    assert words(html) == "> **Guess**\n>\n> One.\n>\n> Two."


def test_links_and_pictures_lead_to_the_published_book():
    assert (
        words('<p><a href="other.html#x">that</a></p>')
        == "[that](https://example.org/book/chapters/other.html#x)"
    )
    assert words('<p><img alt="owl" src="../_images/owl.png"/></p>') == (
        "![owl](https://example.org/book/_images/owl.png)"
    )


def test_a_listing_says_its_language_and_is_kept_to_the_letter():
    html = '<div class="highlight-python"><div><pre><span>a</span> = "*_$&lt;"\n</pre></div></div>'
    assert words(html) == '```python\na = "*_$<"\n```'


def test_a_bar_in_a_table_does_not_end_its_cell():
    html = "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>p(x|y)</td></tr></tbody></table>"
    assert words(html) == "| a |\n| --- |\n| p(x\\|y) |"


@given(st.text(alphabet="ab $*_`<>[]()\\|#-1.", min_size=1, max_size=20))
def test_any_words_read_the_same_after_the_journey(text):
    """What a notebook makes of the Markdown is what stood on the page, signs of Markdown and TeX included."""
    page = BeautifulSoup("<p>x </p>", "html.parser")
    page.p.append(text)
    page.p.append(" x")
    shown = BeautifulSoup(MarkdownIt().render(words(str(page))), "html.parser").get_text()
    assert shown.split() == page.get_text().split()
    assert not re.search(r"(?<!\\)\$", words(str(page)))


# ---- the notebooks


def test_every_chapter_with_cells_is_a_valid_notebook(notebooks):
    chapters = {chapter.name for chapter in execute.read_chapters()}
    wanted = {name for name in chapters if name.startswith("chapters/")} - {"chapters/status"}
    assert {f"chapters/{stem}" for stem in notebooks} == wanted
    for notebook in notebooks.values():
        nbformat.validate(notebook)


def test_notebooks_run_the_code_of_their_chapters_and_nothing_else(notebooks):
    for chapter in execute.read_chapters():
        stem = chapter.name.rpartition("/")[2]
        if stem in notebooks:
            ours = [cell.source for cell in chapter.notebook.cells if cell.cell_type == "code"]
            first, *theirs = [cell.source for cell in notebooks[stem].cells if cell.cell_type == "code"]
            assert first == first_cell.source("tinylm").rstrip()
            assert theirs == ours, f"{stem}: cells are missing, or in another order"


def test_nothing_of_myst_is_left(notebooks):
    for stem, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                assert not (found := LEFTOVER.search(cell.source)), f"{stem}: {found[0]}"


def test_notebooks_ask_for_no_file_beside_them(notebooks):
    for stem, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                for url in re.findall(r"\]\(([^)\s]*)", cell.source):
                    assert re.match(r"https?://|mailto:|#", url), f"{stem}: {url} is no address"
            else:
                assert "attachments" not in cell


def test_every_figure_that_ran_is_in_the_notebook_with_its_caption(notebooks):
    for chapter in execute.read_chapters():
        stem = chapter.name.rpartition("/")[2]
        if stem not in notebooks:
            continue
        wanted = sum("figure" in cell.metadata.get("mystnb", {}) for cell in chapter.notebook.cells)
        cells = notebooks[stem].cells
        drawn = sum("image/svg+xml" in str(cell.get("outputs", ())) for cell in cells)
        captions = sum(bool(re.match(r"\*\*Fig\. \d+\*\* \S", cell.source)) for cell in cells)
        assert (drawn >= wanted, captions) == (True, wanted), f"{stem}: figures are missing"


def test_each_page_with_a_notebook_gives_it_to_download_and_to_run(book, notebooks):
    for path in [*(book / "chapters").glob("*.ipynb"), *(book / "exercises").glob("*.ipynb")]:
        page = BeautifulSoup(path.with_suffix(".html").read_text(encoding="utf-8"), "html.parser")
        links = [a["href"] for a in page.select(".article-header-buttons a[href]")]
        name = path.relative_to(book).as_posix()
        assert path.name in links, f"{name} has no button"
        assert sum(link.endswith(f"/blob/{launch.BRANCH}/{name}") for link in links) == len(launch.SERVICES)
        assert not any(link.endswith(".md") and "_sources" in link for link in links)


def test_the_branch_that_the_buttons_name_is_the_one_that_is_published():
    assert f"refs/heads/{launch.BRANCH}" in PUBLISH.read_text(encoding="utf-8")


def test_a_notebook_runs_alone_in_an_empty_folder(notebooks, tmp_path):
    notebook = nbformat.from_dict(notebooks["setup"])
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=600).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


# ---- the command that runs them all


def test_what_a_notebook_measures_is_held_against_the_claims_intervals(monkeypatch):
    monkeypatch.chdir(ROOT)
    name, row = next(
        (n, r) for n, r in claim_rows.load(ROOT / "chapters").items() if r["status"] == "measured"
    )

    def ran(*values):
        cell = nbformat.v4.new_code_cell()
        for value in values:
            data = Number(name, "claim", (value,))._repr_mimebundle_()[0]
            cell.outputs.append(nbformat.v4.new_output("display_data", data))
        return nbformat.v4.new_notebook(cells=[cell])

    def problems(notebook):
        return [problem for problem in stranger.outside(notebook, row["chapter"]) if f" {name} " in problem]

    low, high = row["expect"]
    assert problems(ran((low + high) / 2)) == []
    assert "not within" in problems(ran(high + 1))[0]
    assert "was not measured" in problems(ran())[0]


def test_a_notebook_that_is_not_there_is_told_before_anything_is_installed(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="run `make book` first"):
        stranger.main(["no-such-chapter"])
