"""The exercises in the book: all that a learner needs is there, and nothing of the author's alone."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from sphinx.search.en import SearchEnglish

import exercises
from classroom import release
from classroom.exercise import load, read_notebook, visible

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = sorted((ROOT / "exercises").glob("*.md"))
PUBLIC = [*ROOT.glob("chapters/*.md"), *ROOT.glob("tinylm/**/*.py"), ROOT / "index.md"]
TEXTS = (".html", ".md", ".txt", ".ipynb", ".json", ".xml")
LONG = 24  # characters: a shorter line may stand anywhere by chance, so it is looked for as a line of its own


def squeezed(text: str) -> str:
    return " ".join(text.split())


def lines(text: str) -> set[str]:
    return {squeezed(line) for line in text.splitlines() if re.search(r"\w", line)}


def words(text: str) -> set[str]:
    """The words of a text as the book's search spells them."""
    language = SearchEnglish({})
    return {language.stem(word.lower()) for word in language.split(text)}


@pytest.fixture(scope="module")
def public() -> str:
    """What a reader may see: the exercises without what is hidden, and all that the book shows besides."""
    seen = [exercises.page(path) for path in EXERCISES]
    return "\n".join([*seen, *(path.read_text(encoding="utf-8") for path in PUBLIC)])


@pytest.fixture(scope="module")
def hidden(public) -> str:
    """Every line that only the author's versions hold."""
    cells = [cell for path in EXERCISES for cell in load(path).cells]
    mine = set().union(*(lines(cell.source) - lines(visible(cell)) for cell in cells))
    everywhere, whole = lines(public), squeezed(public)
    return "\n".join(sorted(line for line in mine if line not in everywhere and line not in whole))


def leaks(text: str, hidden: str) -> set[str]:
    """The hidden lines that a text holds."""
    there, whole = lines(text), squeezed(text)
    return {line for line in hidden.splitlines() if line in there or (len(line) >= LONG and line in whole)}


def readable(path: Path) -> str:
    """What a file of the book says, without the marks that cut its lines in pieces."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return text + "\n" + BeautifulSoup(text, "html.parser").get_text()
    if path.suffix == ".ipynb":
        return text + "\n" + "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
    return text


# ---- before anything is built


def test_what_is_hidden_is_found_where_it_stands(hidden):
    assert len(hidden.splitlines()) > 100
    for path in EXERCISES:
        found = leaks(path.read_text(encoding="utf-8"), hidden)
        assert any("Marking scheme" in line for line in found)
        assert any(line.startswith("message = ") for line in found), "a line of hidden tests"
        assert any(line.startswith("return ") for line in found), "a line of a solution"


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_the_learners_notebook_keeps_every_cell_and_its_marks(path):
    author = read_notebook(path)
    learner = release.stubs(author, load(path))
    for cell, twin in zip(author.cells, learner.cells, strict=True):
        assert cell.cell_type == twin.cell_type
        assert cell.metadata.get("nbgrader") == twin.metadata.get("nbgrader")
        locked = cell.metadata.get("nbgrader", {}).get("locked", False)
        assert twin.metadata.get("editable", True) is not locked
    assert learner == release.stubs(author, load(path)), "two builds give one file"


# ---- the built book


def test_no_file_of_the_book_shows_what_is_hidden(book, hidden):
    found = []
    for path in book.rglob("*"):
        if path.suffix in TEXTS or path.name == "searchindex.js":
            found += [f"{path.relative_to(book)}: {line}" for line in leaks(readable(path), hidden)]
    assert not found, "\n".join(["", *sorted(found)])


def test_the_search_knows_no_word_of_what_is_hidden(book, public, hidden):
    index = json.loads(re.search(r"\{.*\}", (book / "searchindex.js").read_text(encoding="utf-8"))[0])
    names = {docname: number for number, docname in enumerate(index["docnames"])}
    pages = {names[f"exercises/{path.stem}"] for path in EXERCISES}
    secret = words(hidden) - words(public)
    assert secret, "a word that stands nowhere else"
    for kind in "terms", "titleterms":
        for word, where in index[kind].items():
            found = pages & set(where if isinstance(where, list) else [where])
            assert not (found and word in secret), f"the search finds {word!r}"


def test_no_mark_of_a_hidden_part_is_left(book):
    for path in [*book.glob("exercises/*"), *book.glob("_sources/exercises/*")]:
        assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)|Marking scheme", readable(path)), path


@pytest.mark.parametrize("stem", [path.stem for path in EXERCISES])
def test_each_exercise_has_its_page_and_its_notebook(book, stem):
    page = BeautifulSoup((book / f"exercises/{stem}.html").read_text(encoding="utf-8"), "html.parser")
    assert page.find(id=f"exercises-{stem}")
    link = page.select_one("article a[download]")
    notebook = nbformat.read(book / "exercises" / link["href"], as_version=4)
    nbformat.validate(notebook)
    source = ROOT / f"exercises/{stem}.md"
    assert notebook == release.for_learners(read_notebook(source), load(source))
    assert page.select_one(f'article a[href^="../chapters/{stem}.html"]'), "it leads to its chapter"
    assert not page.select(f'a[href*="/exercises/{stem}.md"]'), "no button leads to the author's version"
    chapter = BeautifulSoup((book / f"chapters/{stem}.html").read_text(encoding="utf-8"), "html.parser")
    assert chapter.select_one(f'article a[href^="../exercises/{stem}.html"]'), "its chapter leads to it"


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_the_visible_tests_are_on_the_page_and_nothing_was_run(book, path):
    page = BeautifulSoup((book / f"exercises/{path.stem}.html").read_text(encoding="utf-8"), "html.parser")
    shown = [cell.get_text().strip() for cell in page.select(".cell.tag_tests .cell_input pre")]
    assert shown == [visible(cell).strip() for cell in load(path).of("tests")]
    assert not page.select(".cell_output")
